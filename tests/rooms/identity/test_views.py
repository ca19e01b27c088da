"""What users keep of lists: columns, rows of a page, searches with a name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shared import trace
from shared.contracts.identity import NewListView, NewUser
from shared.contracts.views import MOST_VIEWS
from shared.errors import Conflict, NotFound
from shared.permissions import Role
from tests.make.actors import make_actor


@pytest.fixture
def people(identity: Any) -> dict[str, Any]:
    """Ana and Eva, by name."""
    return {
        name: identity.create_user(
            NewUser(
                username=name,
                full_name=f"{name.title()} Mora",
                role=Role.MARKETING_HEAD,
                password="una-clave-larga",
            )
        )
        for name in ("ana", "eva")
    }


@contextmanager
def acting(user: Any) -> Iterator[None]:
    with trace.use(actor=make_actor(user.username, user_id=user.id)):
        yield


def view(name: str = "Las mías", **changes: Any) -> NewListView:
    return NewListView(**{"name": name, "query": "fase=executing"} | changes)


def test_columns_and_size_are_the_users_own(identity: Any, people: Any) -> None:
    with acting(people["ana"]):
        assert identity.get_list_choice("campaigns").columns == []
        identity.set_list_choice("campaigns", ["phase", "name"], 100)
        identity.set_list_choice("users", ["role"])
        chosen = identity.get_list_choice("campaigns")
        assert (chosen.columns, chosen.size) == (["phase", "name"], 100)
        identity.set_list_choice("campaigns", [])
        assert (identity.get_list_choice("campaigns").columns, chosen.views) == ([], [])
    with acting(people["eva"]):
        assert identity.get_list_choice("users").columns == []


def test_a_search_is_kept_replaced_by_its_name_and_forgotten(identity: Any, people: Any) -> None:
    with acting(people["ana"]):
        kept = identity.create_list_view("campaigns", view())
        again = identity.create_list_view("campaigns", view(query="buscar=fibra"))
        assert again.id == kept.id
        [found] = identity.get_list_choice("campaigns").views
        assert (found.name, found.query, found.own) == ("Las mías", "buscar=fibra", True)
        assert identity.get_list_choice("users").views == []
        identity.delete_list_view(kept.id)
        assert identity.get_list_choice("campaigns").views == []
        with pytest.raises(NotFound):
            identity.delete_list_view(kept.id)


def test_others_have_what_is_shared_and_cannot_forget_it(identity: Any, people: Any) -> None:
    with acting(people["ana"]):
        identity.create_list_view("campaigns", view("Solo mía"))
        shared = identity.create_list_view("campaigns", view("De todos", shared=True))
    with acting(people["eva"]):
        identity.create_list_view("campaigns", view("Y la de Eva"))
        own, other = identity.get_list_choice("campaigns").views
        assert (own.name, own.own) == ("Y la de Eva", True)
        assert (other.name, other.own, other.by) == ("De todos", False, "Ana Mora")
        with pytest.raises(NotFound):
            identity.delete_list_view(shared.id)


def test_nobody_keeps_searches_without_end(identity: Any, people: Any) -> None:
    with acting(people["ana"]):
        for at in range(MOST_VIEWS):
            identity.create_list_view("campaigns", view(f"Vista {at}"))
        with pytest.raises(Conflict, match="Elimine alguna"):
            identity.create_list_view("campaigns", view("Una más"))
        assert len(identity.get_list_choice("campaigns").views) == MOST_VIEWS
        identity.create_list_view("campaigns", view("Vista 3", query="otra"))
