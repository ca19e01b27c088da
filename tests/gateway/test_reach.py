"""Every route by whose people it shows to whom: the pages and the API of a running product.

A route that names a person, a conversation or an advisor is asked as every role for what is the
first advisor's, a colleague's and a stranger's; every page and list is read for words that tell of
one of them. What is new or reaches further changes `reach.txt`, for a person to look at:
`pytest tests/gateway/test_reach.py --write-table` writes it anew.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import pytest

from shared import clock
from tests.gateway.whose import OWNERS, SURNAME, World, make
from tests.product import Product
from tests.unit.gateway.test_permissions import doors

TABLE = Path(__file__).with_name("reach.txt")
ROLES = {
    "advisor": OWNERS[0],
    "supervisor": "supervisor",
    "marketing_head": "jefe",
    "backoffice": "backoffice",
    "admin": "admin",
}
# Reached also where what was sent does not fit: not found is all that a stranger's may say
REACHED, HIDDEN, DENIED = "y", "-", "x"
PERSONAL = {"customer_id", "lease_id", "advisor"}  # a path that names one is about somebody's work
STREAMS = {"/vivo"}  # no end; what it sends is by user (tests/unit/gateway/test_live.py)
# What stands there depends on the hour: never somebody from this place among the owners on.
OF_THE_DAY = {path: {"advisor": 1, "supervisor": 2} for path in ("/", "/agenda")}
# Of a list that stands by surname, a page of the tests' own: who else is there fills the first one
NAMED = {"/clientes": {"buscar": SURNAME}, "/api/v1/customers": {"search": SURNAME}}
LAST = (
    "soltar",
    "retirar",
    "hand-over",
    "pendientes",
    "eliminar",
    "DELETE",
)  # after them the world is another
CALL = {"result": "busy", "note": "Ocupado"}
BODIES = {
    "risk-checks": {"purpose": "sale"},
    "hand-over": {"advisors": [OWNERS[0]]},
    "reveal": {"fields": ["phone"]},
}
FORMS = {
    "consentimientos": {"consent_mail": "on", "version": "1"},
    "resultado": CALL,
    "riesgo": {"purpose": "sale"},
    "pendientes": {"advisors": OWNERS[0]},
    "mostrar": {"fields": "phone"},
    "eliminar": {"reason": "Lo pidió por escrito", "confirm": "on"},
    "nota": {"note": "Prefiere la tarde"},
}


@pytest.fixture(scope="module")
def world(product: Product) -> World:
    return make(product)


def routes() -> list[tuple[str, str]]:
    """(method, path) of every route, those that end something after the others."""
    found = {
        (method, re.sub(r"{(\w+):\w+}", r"{\1}", route.path))
        for route in doors()
        for method in route.methods or ()
        if route.path not in STREAMS
    }
    return sorted(found, key=lambda one: (ends(*one), one))


def ends(method: str, path: str) -> int:
    """How late it is to be asked."""
    reads = method == "GET"
    return 0 if reads else 1 + any(word in f"{method} {path}" for word in LAST)


def names(path: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", path))


class Asker:
    """A user at the pages and at the API."""

    def __init__(self, product: Product, username: str) -> None:
        token = product.client(username).headers["Authorization"].removeprefix("Bearer ")
        head = {"Origin": product.address}
        self.pages = httpx.Client(
            base_url=product.address, cookies={"pregon_session": token}, headers=head, timeout=60
        )
        self.api = product.client(username)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pages.close()

    def ask(self, method: str, path: str, values: Any, query: Any = None) -> httpx.Response:
        """What comes; a body that fits, where the route takes one."""
        address = f"{path.format(**values)}{'?' + urlencode(query) if query else ''}"
        if path.startswith("/api/v1"):
            body = {} if method == "GET" else {"json": json_of(path)}
            return self.api.request(method, address.removeprefix("/api/v1"), **body)
        form = {} if method == "GET" else {"data": form_of(path)}
        return self.pages.request(method, address, **form)


def json_of(path: str) -> Any:
    last = path.rpartition("/")[2]
    return BODIES.get(last, {"reason": "Pedido"})


def form_of(path: str) -> Any:
    last = [part for part in path.split("/") if not part.startswith("{")][-1]
    return FORMS.get(last, {})


def letter(answer: httpx.Response) -> str:
    assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
    return {403: DENIED, 404: HIDDEN}.get(answer.status_code, REACHED)


def of_objects(world: World, askers: dict[str, Asker]) -> Iterator[str]:
    for method, path in routes():
        if names(path) & PERSONAL:
            by_role = []
            for role, asker in askers.items():
                answers = [asker.ask(method, path, world.objects[name]) for name in OWNERS]
                letters = "".join(map(letter, answers))
                by_role.append(f"{role} {DENIED if letters == DENIED * 3 else letters}")
            yield f"{method:6} {path:60} {'  '.join(by_role)}"


def of_lists(world: World, askers: dict[str, Asker]) -> Iterator[str]:
    """Of everything that can be read, whose people stand in it."""
    values = {**world.objects[OWNERS[0]], "code": "advisor", "name": "correo"}
    asked = {"from": clock.now().isoformat(), "to": (clock.now() + timedelta(days=2)).isoformat()}
    queries = NAMED | {"/api/v1/callbacks": asked}
    for method, path in routes():
        if method != "GET" or names(path) & PERSONAL or not names(path) <= set(values):
            continue
        by_role = []
        for role, asker in askers.items():
            said = asker.ask(method, path, values, queries.get(path)).text
            seen = "".join(
                REACHED if any(word in said for word in world.words[name]) else HIDDEN
                for name in OWNERS
            )
            if path in OF_THE_DAY:
                assert REACHED not in seen[OF_THE_DAY[path].get(role, 3) :], (path, role, seen)
                seen = ""
            by_role.append(f"{role} {seen if REACHED in seen else '.'}")
        if any(REACHED in part.split()[1] for part in by_role):
            yield f"{method:6} {path:60} {'  '.join(by_role)}"


@pytest.mark.timeout(400)  # with the product's start
def test_every_route_shows_people_as_the_table_says_and_no_others(
    world: World, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as closing:
        askers = {
            role: closing.enter_context(Asker(world.product, name)) for role, name in ROLES.items()
        }
        read, done = list(of_lists(world, askers)), list(of_objects(world, askers))
    found = "\n".join(["# read", *read, "# named", *done]) + "\n"
    if request.config.getoption("--write-table", default=False):
        TABLE.write_text(found)
    assert found == TABLE.read_text()
