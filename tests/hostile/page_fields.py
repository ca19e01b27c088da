"""Every field of every page with odd values: addresses, and each form that a page shows."""

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from uuid import uuid4

import httpx
from fastapi.routing import APIRoute
from lxml import html

from services.gateway import addresses
from tests.hostile import values
from tests.hostile.bodies import URLENCODED, multipart, urlencoded
from tests.hostile.tally import HUNG_SECONDS, Tally
from tests.hostile.world import ROLES, World
from tests.unit.gateway.test_permissions import doors

_AT_ONCE = 2
_ENDS = ("/salir", "/ingresar", "/cuenta/sesiones/")  # who is out cannot go on
_STREAMS = ("/vivo",)
_FORMS = "//form[translate(@method, 'POST', 'post') = 'post' or @hx-post]"
# What pages show only in a certain state, or send by script: its fields by the route.
_UNSEEN = {
    "/envios/nuevo?campana={campaign_id}": ("design_id", "subject", "send_at", "cedulas"),
    "/asignaciones/pendientes/{advisor}": ("advisors",),
    "/llamadas/{lease_id}/nota": ("note",),
    "/clientes/importaciones/{import_id}/leer": ("map_cedula", "dry_run", "hold"),
    "/central-de-riesgos/cargas/{load_id}/leer": ("map_cedula", "dry_run", "hold"),
    "/central-de-riesgos/cargas/{load_id}/repetir": ("removes_most",),
    "/envios/{mailing_id}/reintentar": ("include_doubtful",),
    "/listas/vistas/{view_id}/eliminar": ("volver",),
    "/ingresar": ("username", "password", "next"),
    "/ingresar/codigo": ("code", "recovery", "next"),
    "/ingresar/recuperar": ("who",),
    "/ingresar/clave/{token}": ("password", "repeated"),
    "/cuenta/verificacion/codigos": ("code", "password"),
    "/cuenta/verificacion/quitar": ("code", "password"),
}
_NO_FIELDS = (  # a button beside others, in a certain state
    "/accesos/{token_id}/revocar",
    "/asignaciones/{campaign_id}/lista",
    "/baja/{token}",
    "/central-de-riesgos/cargas/{load_id}/cancelar",
    "/central-de-riesgos/clientes/{name}/activar",
    "/central-de-riesgos/clientes/{name}/clave",
    "/central-de-riesgos/clientes/{name}/desactivar",
    "/clientes/importaciones/{import_id}/cancelar",
    "/clientes/importaciones/{import_id}/deshacer",
    "/cuenta/sesiones/cerrar",
    "/cuenta/sesiones/{name}/cerrar",
    "/envios/{mailing_id}/cancelar",
    "/envios/{mailing_id}/pausar",
    "/envios/{mailing_id}/reanudar",
    "/roles/{code}/eliminar",
    "/llamadas/siguiente",
    "/usuarios/{user_id}/invitacion",
    "/usuarios/{user_id}/cuenta-de-la-empresa/quitar",
    "/usuarios/{user_id}/verificacion/quitar",
)
_JSON = ("/segmentos/contar", "/segmentos/describir")
_SHOWN: dict[str, list["Field"]] = {}  # by the product's address


@dataclass(frozen=True)
class Field:
    """One place into which a value goes: of an address, or of a form with what it shows."""

    role: str
    method: str
    path: str
    where: str  # path, query, form, json
    name: str
    shown: tuple[tuple[str, str], ...] = ()
    has_files: bool = False

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.role}: {self.method} {self.path} {self.where} {self.name}"


def page_routes() -> list[APIRoute]:
    """All routes of pages."""
    return [route for route in doors() if not route.path.startswith("/api/")]


def address_fields(world: World) -> list[Field]:
    """What stands in the addresses of pages."""
    return [
        Field(world.role_for(method, route.path), method, route.path, where, str(parameter.alias))
        for route in page_routes()
        for method in sorted(route.methods or ())
        if route.path not in (*_STREAMS, *_ENDS)
        for where, parameters in (
            ("path", route.dependant.path_params),
            ("query", _query_params(route)),
        )
        for parameter in parameters
    ]


def list_fields(world: World) -> list[Field]:
    """Of lists, whose addresses are read by their declaration (`services/gateway/searching.py`)."""
    paths = [_plain(route.path) for route in page_routes() if route.path.endswith("/descargar")]
    return [
        Field(world.role_for("GET", path), "GET", path, "query", word)
        for whole in paths
        for path in (whole, whole.removesuffix("/descargar"))
        for word in addresses.LISTS.values()
    ]


def _query_params(route: APIRoute) -> list[Any]:
    """With those that several routes share."""
    parts = (route.dependant, *route.dependant.dependencies)
    return [parameter for part in parts for parameter in part.query_params]


def unseen_fields(world: World) -> list[Field]:
    """Of forms that no page of this world shows."""
    found = []
    for address, names in _UNSEEN.items():
        path = address.partition("?")[0]
        [route] = [
            route
            for route in page_routes()
            if "POST" in (route.methods or ()) and _plain(route.path) == path
        ]
        shown = tuple((name, "") for name in names)
        action = concrete(address, world.ids)
        role = world.role_for("POST", route.path)
        found += [Field(role, "POST", action, "form", name, shown) for name in names]
    return found


def json_fields(world: World) -> list[Field]:
    """Of what scripts send as JSON."""
    return [
        Field(world.role_for("POST", path), "POST", path, "json", name)
        for path in _JSON
        for name in ("(all)", "definition")
    ]


def _plain(path: str) -> str:
    """Without the kinds of its parameters."""
    return re.sub(r"{(\w+):\w+}", r"{\1}", path)


class Visitor:
    """A user of a role at the pages."""

    def __init__(self, world: World, role: str) -> None:
        self.role, self._world = role, world
        product, username = world.product, ROLES[role]
        self.client = httpx.Client(base_url=product.address, timeout=HUNG_SECONDS)
        self.client.headers["Origin"] = product.address
        form = {"username": username, "password": product.passwords[username]}
        answer = self.client.post("/ingresar", data=form)
        assert answer.status_code == 303, answer.text

    def forms(self) -> Iterator[Field]:
        """Of all pages that this user may read, each form once."""
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for route in page_routes():
            if "GET" not in (route.methods or ()) or route.path in (*_STREAMS, *_ENDS):
                continue
            address = concrete(route.path, self._world.ids)
            answer = self.client.get(address)
            if answer.status_code != 200 or not answer.headers["content-type"].startswith(
                "text/html"
            ):
                continue
            for action, names, files in _forms(answer, address):
                if (key := (action, tuple(name for name, _ in names))) not in seen:
                    seen.add(key)
                    yield from self._fields(action, names, has_files=files)

    def _fields(
        self, action: str, shown: list[tuple[str, str]], *, has_files: bool
    ) -> Iterator[Field]:
        if not action.startswith(_ENDS):
            for name in dict.fromkeys(name for name, _ in shown):
                yield Field(self.role, "POST", action, "form", name, tuple(shown), has_files)


def _forms(
    answer: httpx.Response, address: str
) -> Iterator[tuple[str, list[tuple[str, str]], bool]]:
    """(action, its fields with what they show, whether it takes files) of each form of a page."""
    if not answer.text.strip():
        return
    for form in elements(html.fromstring(answer.text), _FORMS):
        action = urlsplit(urljoin(address, form.get("action") or form.get("hx-post") or "")).path
        shown = [
            (name, str(field.get("value") or ""))
            for field in elements(form, ".//*[self::input or self::select or self::textarea]")
            if (name := field.get("name"))
        ]
        yield action, shown, bool(elements(form, ".//input[@type='file']"))


def elements(root: Any, path: str) -> list[Any]:
    """What an XPath finds."""
    found: list[Any] = root.xpath(path)
    return found


def concrete(path: str, ids: dict[str, str]) -> str:
    """An address of a route: `{name:kind}` becomes the id that goes by the name."""
    parts = path.replace("{", "\0{").replace("}", "\0").split("\0")
    return "".join(
        ids.get(part[1:].split(":")[0], "1") if part.startswith("{") else part for part in parts
    )


@contextmanager
def visitors(world: World) -> Iterator[dict[str, Visitor]]:
    """A user of each role."""
    with ExitStack() as stack:
        users = {role: Visitor(world, role) for role in ROLES}
        for user in users.values():
            stack.callback(user.client.close)
        yield users


def shown_fields(world: World) -> list[Field]:
    """Of the forms on all pages, as each role sees them before anything odd was sent."""
    if world.product.address not in _SHOWN:
        with visitors(world) as users:
            fields = [field for user in users.values() for field in user.forms()]
        _SHOWN[world.product.address] = fields
    return _SHOWN[world.product.address]


def forgotten_forms(world: World) -> set[str]:
    """Routes that take a form which neither a page showed nor this module names."""
    known = {path.partition("?")[0] for path in (*_UNSEEN, *_JSON, *_ENDS, *_NO_FIELDS)}
    shown = {field.path for field in shown_fields(world)}
    return {
        path
        for route in page_routes()
        if "POST" in (route.methods or ())
        and (path := _plain(route.path)) not in known
        and not any(route.path_regex.match(address) for address in shown)
    }


def attack(world: World, each: int | None, seed: int) -> Tally:
    """Send odd values to every field: all of them, or `each` of them drawn by `seed`."""
    tally = Tally("page_fields")
    chance = random.Random(seed)
    with visitors(world) as users, ThreadPoolExecutor(_AT_ONCE) as threads:
        found = [
            *address_fields(world),
            *list_fields(world),
            *unseen_fields(world),
            *json_fields(world),
        ]
        found += shown_fields(world)
        for field in sorted(found, key=lambda field: field.path in _ENDS):
            chosen = values.draw(each, chance, as_json=field.where == "json")
            client = users[field.role].client
            list(threads.map(partial(_send, tally, client, world, field), chosen))
    return tally


def _leads_out(answer: httpx.Response) -> bool:
    leads_to: str = answer.headers.get("location", "")
    return leads_to.startswith("/ingresar")


def _send(tally: Tally, client: httpx.Client, world: World, field: Field, value: bytes) -> None:
    request = _request(client, world, field, value)
    if request is None:
        return
    what = f"{field.label} = {value[:60]!r} ({len(value)} bytes)"
    answer = tally.send(what, lambda: client.send(request))
    # The entrance's own pages lead there whoever asks; if one throws out, the next field tells.
    inside = not field.path.startswith("/ingresar")
    if inside and answer is not None and _leads_out(answer):
        tally.tell("wrong", f"{what}: nobody is logged in any more")


def _request(
    client: httpx.Client, world: World, field: Field, value: bytes
) -> httpx.Request | None:
    """None where a value cannot be sent there at all, or makes another address."""
    ids, odd = dict(world.ids), quote(value, safe="")
    if field.where == "path":
        if value in (b"", b".", b".."):
            return None
        ids[field.name] = odd
    query = f"?{field.name}={odd}" if field.where == "query" else ""
    content, kind = _body(field, value)
    try:
        return client.build_request(
            field.method,
            concrete(field.path, ids) + query,
            content=content,
            headers={"Content-Type": kind} if kind else {},
        )
    except httpx.InvalidURL:  # longer than any client sends
        return None


def _body(field: Field, value: bytes) -> tuple[bytes | None, str | None]:
    """The form as shown but for one field, with a key of its own."""
    if field.method == "GET":
        return None, None
    if field.where == "json":
        whole = value if field.name == "(all)" else b'{"definition": ' + value + b"}"
        return whole, "application/json"
    pairs = {name: text.encode() for name, text in field.shown}
    pairs |= {"idempotency_key": uuid4().hex.encode()}
    if field.where == "form":
        pairs[field.name] = value
    return multipart(pairs) if field.has_files else (urlencoded(pairs), URLENCODED)
