"""Telling a broker who may do what: by its management API, or beside a private one of ours."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from infra.native import rabbitmq
from infra.native.errors import StackError
from infra.native.run import Run, write_private

NODE = "node:"  # then the run directory of a private broker
_SECONDS = 120
# All in one go: each call of rabbitmqctl takes a second
_REMOVE = (
    'lists:foreach(fun(U) -> rabbit_auth_backend_internal:delete_user(U, <<"pregon">>) end,'
    " [{names}])."
)


def refusal(address: str) -> str:
    """Why no accounts can be made there; empty when they can."""
    if address.startswith(NODE):
        return ""
    if not address:
        return "PREGON_AMQP_ADMIN_URL does not say where its management is"
    try:
        me = _ask(address, "GET", "/api/whoami").json()
    except httpx.HTTPError as error:
        return f"its management does not answer ({error})"
    may = "administrator" in me.get("tags", [])
    return "" if may else "the account of PREGON_AMQP_ADMIN_URL is no administrator"


def apply(address: str, definitions: Mapping[str, Any]) -> None:
    """Import users and permissions. Raises StackError."""
    if address.startswith(NODE):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "definitions.json")
            write_private(file, json.dumps(definitions))
            _control(address, "import_definitions", str(file))
        return
    try:
        _ask(address, "POST", "/api/definitions", dict(definitions))
    except httpx.HTTPError as error:
        raise StackError(f"The broker's management did not take the accounts: {error}") from None


def remove(address: str, names: list[str]) -> None:
    """Remove users. Raises StackError."""
    if address.startswith(NODE):
        words = ", ".join(f'<<"{name}">>' for name in names)
        _control(address, "eval", _REMOVE.format(names=words))
        return
    try:
        _ask(address, "POST", "/api/users/bulk-delete", {"users": names})
    except httpx.HTTPError as error:
        raise StackError(f"The broker's management removed no accounts: {error}") from None


def _control(address: str, *words: str) -> None:
    run = Run(Path(address.removeprefix(NODE)))
    ran = subprocess.run(
        [rabbitmq.control(), "--quiet", *words],
        env=rabbitmq.control_environment(run),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise StackError(f"rabbitmqctl {words[0]} failed:\n{(ran.stderr or ran.stdout).strip()}")


def _ask(address: str, verb: str, path: str, told: Any = None) -> httpx.Response:
    """What the management answers. Raises HTTPError."""
    parts = urlsplit(address)
    who = (parts.username or "", parts.password or "")
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    with httpx.Client(base_url=place, auth=who, timeout=30, trust_env=False) as client:
        return client.request(verb, path, json=told).raise_for_status()
