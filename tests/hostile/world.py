"""Something of everything, so that odd fields meet objects that exist."""

import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx

from shared import clock
from tests.product import Product
from tests.unit.gateway import test_permissions as permissions

HTML = "<p>Hola {{ primer_nombre }}</p><p><a href='{{ enlace_baja }}'>Darse de baja</a></p>"
EVERYBODY: dict[str, Any] = {"all": []}
ROLES = {
    "marketing_head": "jefe",
    "advisor": "asesor1",
    "supervisor": "supervisor",
    "backoffice": "backoffice",
    "admin": "admin",
}


_TABLE = Path(permissions.__file__).with_name("permissions.txt")


@dataclass(frozen=True)
class World:
    """A running product and the ids of what was made, by the names of path parameters."""

    product: Product
    ids: dict[str, str]

    def client(self, role: str) -> httpx.Client:
        """The API as a user of the role."""
        return self.product.client(ROLES[role])

    def role_for(self, method: str, path: str) -> str:
        """One that may use the route, by the table of permissions."""
        allowed = _allowed()[method, path]
        return allowed[0] if allowed[0] in ROLES else "admin"


@lru_cache
def _allowed() -> dict[tuple[str, str], list[str]]:
    rows = [line.split() for line in _TABLE.read_text().splitlines()]
    return {(method, path): allowed for method, path, *allowed in rows}


def make(product: Product) -> World:
    """One of each kind of object, by the API."""
    head, admin = product.client(ROLES["marketing_head"]), product.client("admin")
    ids: dict[str, Any] = {}
    ids["customer_id"] = _customer(head)
    ids["segment_id"] = _made(
        head, "/segments", name=f"Todos {secrets.token_hex(3)}", definition=EVERYBODY
    )
    ids["design_id"] = _made(
        head, "/designs", name=f"Propio {secrets.token_hex(3)}", subject="Hola", html=HTML
    )
    ids["campaign_id"] = _campaign(head, ids["design_id"])
    ids["mailing_id"] = _made(head, "/mailings", campaign_id=ids["campaign_id"], subject="Hola")
    ids["import_id"] = _load(head, "/customers/imports", b"cedula;nombres;apellidos\n1;a;b\n")
    ids["load_id"] = _load(admin, "/risk-loads", b"cedula,full_name,category\n1,a,b\n")
    ids["user_id"] = _user(admin)
    ids["token_id"] = _token(admin)
    ids["lease_id"] = _lease(product, ids["campaign_id"])
    ids |= {"advisor": ROLES["advisor"], "name": "correo"}
    admin.post("/soap-clients", json={"name": ids["name"], "title": "Sistema de prueba"})
    ids |= {"notice_id": "1", "token": "eso-no-es", "key": "a/b.png"}
    return World(product, {name: str(value) for name, value in ids.items()})


def _made(client: httpx.Client, path: str, **body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()["id"]


def _token(admin: httpx.Client) -> Any:
    """Of another system, for today."""
    new = {"name": f"Sistema {secrets.token_hex(3)}", "username": ROLES["marketing_head"]}
    last = clock.today().isoformat()
    return _made(admin, "/tokens", **new, scopes=["campaign.read"], expires_on=last)


def _customer(head: httpx.Client) -> Any:
    ana = {"cedula": "1710034065", "first_names": "Ana", "last_names": "Mora"}
    reach = {"phone": "0991234567", "consent_phone": True, "email": "ana@correo.example"}
    answer = head.post("/customers", json=ana | reach)
    if answer.status_code in (409, 422):  # made before
        return head.get("/customers", params={"search": ana["cedula"]}).json()["items"][0]["id"]
    assert answer.is_success, answer.text
    return answer.json()["id"]


def _campaign(head: httpx.Client, design_id: int) -> Any:
    number = _made(
        head, "/campaigns", name=f"Fibra {secrets.token_hex(3)}", channels=["mail", "phone"],
        definition=EVERYBODY, design_id=design_id, budget="100.00", mail_subject="Hola",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while head.get(f"/campaigns/{number}/audience").json()["state"] != "ready":
        assert time.monotonic() < deadline, "the audience did not come"
        time.sleep(0.1)
    for phase in ("planned", "executing"):
        head.post(f"/campaigns/{number}/phase", json={"phase": phase, "reason": "Ya"})
    return number


def _lease(product: Product, campaign_id: int) -> Any:
    """An advisor's turn with the customer."""
    supervisor, advisor = product.client("supervisor"), product.client(ROLES["advisor"])
    share = {"advisors": [ROLES["advisor"]], "per_advisor": 5, "strategy": "equal"}
    deadline = time.monotonic() + 60
    supervisor.post(f"/campaigns/{campaign_id}/call-list")
    while True:
        supervisor.post(f"/campaigns/{campaign_id}/assignments", json=share)
        answer = advisor.post("/calls/next")
        if answer.status_code == 200:
            return answer.json()["lease_id"]
        assert time.monotonic() < deadline, "nobody to call"
        time.sleep(0.2)


def _load(client: httpx.Client, path: str, content: bytes) -> Any:
    answer = client.post(path, files={"file": ("datos.csv", content)})
    assert answer.is_success, answer.text
    return answer.json()["id"]


def _user(admin: httpx.Client) -> Any:
    name = f"pasajero.{secrets.token_hex(3)}"
    return _made(
        admin,
        "/users",
        username=name,
        full_name="Paz",
        role="backoffice",
        password="correo-lluvia-mesa",
    )
