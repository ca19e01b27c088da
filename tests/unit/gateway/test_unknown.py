"""What does not exist is 404, as a page, a part, a file and a stream."""

from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared.contracts.identity import get_session
from shared.errors import NotFound
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, app_over, find_session
from tests.unit.gateway.test_permissions import doors, split, value_of

QUERY = "?visto=sending&estado=failed&desde=2026-01-01&hasta=2026-01-02"


class Empty(FakeAsk):
    """Rooms that know sessions, and of everything else that there is no such thing."""

    async def ask(self, procedure: Any, *args: Any, **kwargs: Any) -> Any:
        if procedure is get_session:
            return await super().ask(procedure, *args, **kwargs)
        raise NotFound("No existe.")


def addresses() -> list[str]:
    """Those of one thing each."""
    return sorted(
        "".join(value_of(part) for part in split(route.path))
        for route in doors()
        if "GET" in (route.methods or ()) and "{" in route.path
    )


@pytest.mark.parametrize("address", addresses())
def test_what_does_not_exist_is_404(address: str) -> None:
    browser = Browser(app_over(Empty(answers={get_session.name: find_session})))
    statuses = set()
    for role in Role:
        browser.cookies.set(COOKIE, role)
        statuses.add(browser.get(address + QUERY).status_code)
    assert statuses <= {403, 404}, statuses
    assert 404 in statuses


@pytest.mark.parametrize("address", ["/vivo/7", "/vivo/mailing:7", "/envios/7/vivo"])
def test_there_is_one_stream_and_it_is_of_no_object(address: str) -> None:
    browser = Browser(app_over(Empty(answers={get_session.name: find_session})))
    browser.cookies.set(COOKIE, Role.ADMIN)
    assert browser.get(address).status_code == 404
