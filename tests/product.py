"""The whole product, running for tests of its outside: the servers are those of the test run."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from infra.native import environment, signing_keys
from infra.native.run import Run

ROOT = Path(__file__).resolve().parents[1]
# What the run of the tests has computed for itself and a second product must find out anew.
_COMPUTED = (
    "PREGON_FILES_URL",
    "PREGON_PUBLIC_URL",
    "PREGON_SOAP_URL",
    "PREGON_SOAP_PASSWORD",
    signing_keys.OWN,
    signing_keys.TRUSTED,
    *signing_keys.PRIVATE.values(),
)


@dataclass(frozen=True)
class Product:
    """A running product and what is needed to use it."""

    run_dir: Path
    environ: Mapping[str, str]
    settings: Mapping[str, str]
    passwords: Mapping[str, str]
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where pages and API are."""
        return self.settings["PREGON_PUBLIC_URL"]

    def ask(self, module: str) -> str:
        """What a module prints, run with the settings of the product."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", module],
            env={**self.environ, **self.settings, **signing_keys.of_gateway(self.settings)},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def client(self, username: str) -> httpx.Client:
        """The API, logged in as a user of the demo's names; one client a user."""
        if username not in self.clients:
            self.clients[username] = self._log_in(username)
        return self.clients[username]

    def _log_in(self, username: str) -> httpx.Client:
        client = httpx.Client(base_url=f"{self.address}/api/v1", timeout=30)
        answer = client.post(
            "/token", data={"username": username, "password": self.passwords[username]}
        ).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client


@contextmanager
def running(**settings: str) -> Iterator[Product]:
    """Start the product, with users of every role and no other data unless PREGON_DEMO=1."""
    with tempfile.TemporaryDirectory(prefix="pregon-", ignore_cleanup_errors=True) as folder:
        environ = _environ(folder, settings)
        try:
            _native(environ, "up")
            product = _describe(Path(folder), environ)
            yield product
            for client in product.clients.values():
                client.close()
        finally:
            settings = environment.read(Run(Path(folder)))
            _native(environ, "down")
            _forget(environ, settings)


def refusals(product: Product) -> list[str]:
    """What a server refused a process in doing its own work: it may go on, and do it worse."""
    words = (
        *("NoPermission", "NOPERM", "permission denied", "ACCESS_REFUSED", "access refused"),
        *("password authentication failed", "WRONGPASS", "invalid username-password"),
    )
    return [
        line
        for log in (product.run_dir / "log").glob("*.log")
        for line in log.read_text(errors="replace").splitlines()
        if any(word in line for word in words)
    ]


def _environ(folder: str, settings: Mapping[str, str]) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name not in _COMPUTED}
    return environ | {
        "PREGON_RUN_DIR": folder,
        "PREGON_WEB_PORT": "0",
        "PREGON_SOAP_PORT": "0",
        "PREGON_NAMESPACE": f"pregon_{secrets.token_hex(3)}",
        "PREGON_DEMO": "0",
        "PREGON_CALLING_HOURS": "00:00-24:00",
        **settings,
    }


def _native(environ: Mapping[str, str], verb: str) -> None:
    subprocess.run([sys.executable, "-m", "infra.native", verb], env=environ, cwd=ROOT, check=True)


def _describe(folder: Path, environ: Mapping[str, str]) -> Product:
    users = json.loads((folder / "credentials.json").read_text())
    product = Product(
        folder,
        environ,
        environment.read(Run(folder)),
        {name: user["password"] for name, user in users.items()},
    )
    if environ["PREGON_DEMO"] == "0":
        _create_users(product, users)
    return product


def _create_users(product: Product, users: Mapping[str, Mapping[str, str]]) -> None:
    admin = product.client("admin")
    for username, user in users.items():
        if user["role"] not in {"admin", "soap"}:
            new = {"username": username, "full_name": f"Prueba {username}", **user}
            admin.post("/users", json=new).raise_for_status()
    _create_team(admin, [name for name, user in users.items() if user["role"] == "advisor"])


def _create_team(admin: httpx.Client, advisors: list[str]) -> None:
    """The supervisor leads them all, as in the demo."""
    new = {"name": "Asesores de prueba", "supervisor": "supervisor"}
    team = admin.post("/teams", json=new).raise_for_status().json()["id"]
    for name in advisors:
        member = {"username": name, "starts_on": "2026-01-01"}
        admin.post(f"/teams/{team}/members", json=member).raise_for_status()


def _forget(environ: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Drop what the product made on servers that it was given and others may share."""
    given = {
        "databases": "PREGON_DATABASE_URL",
        "queues": "PREGON_AMQP_URL",
        "keys": "PREGON_REDIS_URL",
    }
    what = [name for name, setting in given.items() if setting in environ]
    if what:
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.forget", *what],
            env={**environ, **settings},
            cwd=ROOT,
            check=True,
        )
