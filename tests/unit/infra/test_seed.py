"""The users of a fresh product: those of the demo can be written to, at nobody's addresses."""

import asyncio
from typing import Any

import pytest

from infra.demo.seed import FULL_NAMES, Seeder
from infra.native.credentials import ROLES
from shared.client import Client
from shared.contracts.identity import NewUser, User, create_user

USERS = {name: {"password": "correo-lluvia-mesa", "role": role} for name, role in ROLES.items()}


class Enough(Exception):  # noqa: N818  # the users are there
    """What comes after the users asks for rooms."""


class Asked(Client):
    """Answers as identity does, and keeps what was asked; nothing else is there."""

    def __init__(self) -> None:
        self.users: list[NewUser] = []

    async def ask(self, procedure: Any, *args: Any, **_: Any) -> Any:
        if procedure is not create_user:
            raise Enough
        [new] = args
        self.users.append(new)
        made = new.model_dump(exclude={"password"}) | {"id": len(self.users), "active": True}
        return User(**made, role_name=new.role, last_login_at=None, version=1)


def test_the_demos_users_have_addresses_of_nobody() -> None:
    client = Asked()
    with pytest.raises(Enough):
        asyncio.run(Seeder(client).run(USERS))
    assert {user.username for user in client.users} == set(FULL_NAMES)
    for user in client.users:
        assert user.email == f"{user.username}@pregon.example"
        assert user.password


def test_the_administrator_of_an_empty_product_has_none_yet() -> None:
    client = Asked()
    asyncio.run(Seeder(client).run_empty(USERS))
    assert [(user.username, user.email) for user in client.users] == [("admin", None)]
