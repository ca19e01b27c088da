"""Every field of every operation of the API with odd values: path, address, headers, body."""

import copy
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from tests.hostile import values
from tests.hostile.bodies import MULTIPART, URLENCODED, multipart, urlencoded
from tests.hostile.tally import HUNG_SECONDS, Tally
from tests.hostile.world import World

Path = tuple[str | int, ...]
_MARK = "~odd~"
_AT_ONCE = 2
_LOG_INS = ("/token", "/token/second-factor")
_NEVER_IN_HEADS = frozenset(b"\0\n\v\f\r")


@dataclass(frozen=True)
class Field:
    """One place of one operation into which a value goes."""

    method: str
    path: str
    where: str  # path, query, header, json, form, multipart
    name: str
    at: Path = ()
    body: Any = None

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.method} {self.path} {self.where} {self.name}"


def fields(document: dict[str, Any]) -> list[Field]:
    """All of an OpenAPI document."""
    found = [
        field
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for field in _fields_of(method.upper(), path, operation, document)
    ]
    return sorted(found, key=_ends)


def _ends(field: Field) -> int:
    """What takes objects away comes late; after wrong passwords nobody may enter: that is last."""
    return 2 * field.path.endswith(_LOG_INS) + (field.method == "DELETE")


def _fields_of(
    method: str, path: str, operation: dict[str, Any], document: dict[str, Any]
) -> Iterator[Field]:
    contents = operation.get("requestBody", {}).get("content", {})
    body = _example(contents.get("application/json"))
    for parameter in operation.get("parameters", []):
        yield Field(method, path, parameter["in"], parameter["name"], body=body)
    for kind, where in ((URLENCODED, "form"), (MULTIPART, "multipart")):
        example = _example(contents.get(kind))
        for name in example or {}:
            yield Field(method, path, where, name, body=example)
    if "application/json" in contents:
        yield Field(method, path, "json", "(all)", body=body)
        more = _optional(contents["application/json"]["schema"], document)
        whole = more | (body or {})
        for at in _places(whole):
            yield Field(method, path, "json", ".".join(map(str, at)), at, body or {})


def _example(content: dict[str, Any] | None) -> Any:
    if content is None:
        return None
    named = content.get("examples", {}).get("example", {}).get("value")
    return named or content.get("example") or (content["schema"].get("examples") or [None])[0]


def _optional(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The names of all fields of the body, also those that no example shows."""
    for part in (schema, *schema.get("anyOf", [])):
        if "$ref" in part:
            part = document["components"]["schemas"][part["$ref"].rpartition("/")[2]]
        if "properties" in part:
            return dict.fromkeys(part["properties"])
    return {}


def _places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place of a body: fields, fields within them, the first of each list."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*at, name))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*at, 0))


def attack(world: World, each: int | None, seed: int) -> Tally:
    """Send odd values to every field: all of them, or `each` of them drawn by `seed`."""
    tally = Tally("api_fields")
    document = world.client("admin").get("/openapi.json").raise_for_status().json()
    chance = random.Random(seed)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for field in fields(document):
            chosen = values.draw(each, chance, as_json=field.where == "json")
            client = world.client(world.role_for(field.method, field.path))
            list(threads.map(partial(_send, tally, client, world, field), chosen))
    return tally


def _send(tally: Tally, client: httpx.Client, world: World, field: Field, value: bytes) -> None:
    what = f"{field.label} = {value[:60]!r} ({len(value)} bytes)"
    request = _request(client, world, field, value)
    if request is None:
        return
    answer = tally.send(what, lambda: client.send(request))
    if answer is not None and answer.status_code == 401 and not field.path.endswith(_LOG_INS):
        tally.tell("wrong", f"{what}: nobody is logged in any more")


def _request(
    client: httpx.Client, world: World, field: Field, value: bytes
) -> httpx.Request | None:
    """None where a value cannot be sent there at all, or makes another address."""
    ids = dict(world.ids)
    headers: dict[str, Any] = {}
    query = ""
    if field.where == "path":
        if value in (b"", b".", b".."):
            return None
        ids[field.name] = quote(value, safe="")
    elif field.where == "query":
        query = f"?{field.name}={quote(value, safe='')}"
    elif field.where == "header":
        if value != value.strip() or not value or set(value) & _NEVER_IN_HEADS:
            return None  # no client sends such a header
        headers[field.name] = value
    path = field.path.removeprefix("/api/v1").format_map(_Ids(ids))
    content, kind = _body(field, value)
    if kind:
        headers["Content-Type"] = kind
    try:
        return client.build_request(
            field.method, path + query, headers=headers, content=content, timeout=HUNG_SECONDS
        )
    except httpx.InvalidURL:  # longer than any client sends
        return None


class _Ids(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1"


def _body(field: Field, value: bytes) -> tuple[bytes | None, str | None]:
    if field.where in ("form", "multipart"):
        shown = {name: str(example).encode() for name, example in field.body.items()}
        pairs = shown | {field.name: value}
        if field.where == "multipart":
            return multipart(pairs, field.body.get("file", ""))
        return urlencoded(pairs), URLENCODED
    if field.where != "json":
        if field.body is None:
            return None, None
        return json.dumps(field.body).encode(), "application/json"
    if not field.at:
        return value, "application/json"
    body = copy.deepcopy(field.body)
    _put(body, field.at)
    return json.dumps(body).encode().replace(f'"{_MARK}"'.encode(), value), "application/json"


def _put(body: Any, at: Path) -> None:
    *way, last = at
    for step in way:
        body = body[step]
    body[last] = _MARK
