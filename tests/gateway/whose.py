"""People of three advisors in a running product: one's own, a colleague's, and a stranger's."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from infra.demo.customers import customers
from shared import clock
from tests.product import Product

OWNERS = ("propia", "colega", "ajena")  # the supervisor leads the first two
PASSWORD = "correo-lluvia-mesa"  # of a user of the test
INCOME = "91234.55"  # which nobody else has
SURNAME = "Zuqui"  # which begins those of all of them, and nobody else's
WAIT_SECONDS = 60


@dataclass(frozen=True)
class World:
    """Whose is what: by owner, the values of path parameters, and the words that tell of them."""

    product: Product
    objects: Mapping[str, Mapping[str, str]]
    words: Mapping[str, tuple[str, ...]]


def make(product: Product) -> World:
    """Two people of each on a call list of their own: one to be called back, one at the phone."""
    head, admin = product.client("jefe"), product.client("admin")
    for name in OWNERS:
        new = {"username": name, "full_name": f"{name.title()} Prueba", "role": "advisor"}
        admin.post("/users", json={**new, "password": PASSWORD}).raise_for_status()
        product.passwords[name] = PASSWORD  # type: ignore[index]  # a dict
    [team] = [
        row for row in admin.get("/teams").json()["items"] if row["supervisor"] == "supervisor"
    ]
    for name in OWNERS[:2]:
        member = {"username": name, "starts_on": "2026-01-01"}
        admin.post(f"/teams/{team['id']}/members", json=member).raise_for_status()
    people = dict(_insert(head, row["cedula"], at) for at, row in enumerate(customers(6, seed=977)))
    campaign = _campaign(head)
    objects, words = {}, {}
    for name in OWNERS:
        share = {"advisors": [name], "per_advisor": 2, "strategy": "equal"}
        _patiently(head, f"/campaigns/{campaign}/assignments", share)
        called, lease = _work(product.client(name))
        held = lease["customer"]["customer_id"]
        objects[name] = {
            "customer_id": str(called),
            "lease_id": lease["lease_id"],
            "advisor": name,
            "campaign_id": str(campaign),
        }
        words[name] = (people[called], people[held])
    return World(product, objects, words)


def _insert(head: httpx.Client, cedula: str, at: int) -> tuple[int, str]:
    """(id, a word that stands in this one's surname alone)."""
    word = f"{SURNAME}{chr(ord('a') + at) * 3}"
    new = {"cedula": cedula, "first_names": "Ana", "last_names": word, "income": INCOME}
    reach = {"phone": f"09912340{at:02}", "consent_phone": True}
    made = head.post("/customers", json=new | reach).raise_for_status()
    return int(made.json()["id"]), word


def _campaign(head: httpx.Client) -> int:
    """In execution, its call list on the way."""
    definition = {"all": [{"field": "income", "between": [INCOME, INCOME]}]}
    new = {"name": "De tres", "channels": ["phone"], "definition": definition, "budget": "10.00"}
    number = int(head.post("/campaigns", json=new).raise_for_status().json()["id"])
    deadline = time.monotonic() + WAIT_SECONDS
    while head.get(f"/campaigns/{number}/audience").json()["state"] != "ready":
        assert time.monotonic() < deadline, "the audience did not come"
        time.sleep(0.1)
    for phase in ("planned", "executing"):
        asked = {"phase": phase, "reason": "Ya"}
        head.post(f"/campaigns/{number}/phase", json=asked).raise_for_status()
    return number


def _patiently(client: httpx.Client, path: str, body: Any) -> None:
    """Until the room has heard of what others did, a 409 before, and is free, else a 503."""
    deadline = time.monotonic() + WAIT_SECONDS
    again = (httpx.codes.CONFLICT, httpx.codes.SERVICE_UNAVAILABLE)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    while (answer := client.post(path, json=body, headers=key)).status_code in again:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    answer.raise_for_status()


def _work(advisor: httpx.Client) -> tuple[int, Any]:
    """(who is to be called back, the conversation that goes on)."""
    first = advisor.post("/calls/next").raise_for_status().json()
    later = (clock.now() + timedelta(hours=20)).isoformat()
    result = {"lease_id": first["lease_id"], "result": "callback", "callback_at": later}
    advisor.post("/calls", json=result).raise_for_status()
    return first["customer"]["customer_id"], advisor.post("/calls/next").raise_for_status().json()
