"""The record of who saw what: what a view costs more, how fast it is stored, how fast found.

`N=200000` lines by default in each of three months; `N=10000000` is what is meant. Each search is
explained, too: by an index, in no months but those that it asks for. PostgreSQL waits for the disk.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from infra.native import environment, servers
from tests.bench.figure import Figure

_JOB = "tests.bench.audit"
_VIEWS, _SEARCHES, _EVENTS = 400, 60, 400
_NEWEST = {"from_on": date(2026, 10, 2)}
_SEARCHED: dict[str, tuple[dict[str, Any], int]] = {  # filters, and months that they need
    "all": ({}, 3),
    "who": ({"username": "asesor31"}, 3),
    "whom": ({"customer_id": 777}, 3),
    "what": ({"action": "risk_seen"}, 3),
    "until": ({"to_on": date(2026, 8, 10)}, 3),
    "since": (_NEWEST, 1),
    "who_since": (_NEWEST | {"username": "asesor31"}, 1),
    "whom_what_since": (_NEWEST | {"customer_id": 777, "action": "risk_seen"}, 1),
}


def run() -> list[Figure]:
    """What a view costs more at p95; lines stored a second; p95 of each search."""
    wanted = os.environ.get("N", "200000")
    with servers.running(environment.given(), durable=True) as settings:
        command = [sys.executable, "-W", "ignore", "-m", _JOB, wanted]
        environ = {**os.environ, **settings}
        done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    return [_figure(*item) for item in json.loads(done.stdout)]


def _figure(name: str, value: float, limit: float | None) -> Figure:
    unit = "lines/s" if name == "audit_store" else "ms"
    if limit is None:
        return Figure(name, value, unit, None, None)
    return Figure(name, value, unit, round(limit / max(value, 0.01), 2), f"{limit} ms")


def _measure(wanted: int) -> Iterator[tuple[str, float, float | None]]:
    from services.identity.audit import Filters
    from tests.databases import emptied
    from tests.make import audit

    customers, identity = emptied("customer_query"), emptied("identity")
    yield from _views(customers)
    yield "audit_store", _stored(identity), None
    with identity.begin() as session:
        audit.fill(session, wanted)
    for name, (filters, months) in _SEARCHED.items():
        asked = Filters(**filters)
        with identity() as session:
            assert len(audit.months_read(session, asked)) <= months, name
            yield f"audit_search_{name}", _search(session, asked), 50


def _views(sessions: Any) -> Iterator[tuple[str, float, float | None]]:
    """The same reading with and without its record, in turns."""
    from sqlalchemy import text

    from services.customer_query import store
    from shared import audit
    from shared.contracts.audit import AuditAction, AuditKind
    from shared.contracts.customer_query import Customer
    from tests.make.people import insert_person

    with sessions.begin() as session:
        customer_id = insert_person(session).id

    def seen(recorded: bool) -> None:  # of two
        with sessions.begin() as session:
            if not recorded:
                session.execute(text("SET TRANSACTION READ ONLY"))
            Customer.model_validate(store.get_customer(session, customer_id, None))
            if recorded:
                audit.record(session, AuditAction.PROFILE_SEEN, AuditKind.CUSTOMER, customer_id)

    for recorded in (False, True):
        seen(recorded)
    times = [(_timed(lambda: seen(False)), _timed(lambda: seen(True))) for _ in range(_VIEWS)]
    plain, recorded_times = (sorted(column) for column in zip(*times, strict=True))
    yield "audit_view_p50", round(_at(recorded_times, 0.5) - _at(plain, 0.5), 2), 1
    yield "audit_view", round(_at(recorded_times, 0.95) - _at(plain, 0.95), 2), 1


def _stored(sessions: Any) -> float:
    from services.identity import audit
    from tests.make.audit import make_event

    began = time.perf_counter()
    for number in range(_EVENTS):
        with sessions.begin() as session:
            audit.append(session, make_event(number))
    return round(_EVENTS / (time.perf_counter() - began))


def _search(session: Any, filters: Any) -> float:
    from services.identity import audit

    def find() -> None:
        session.expunge_all()
        audit.list_entries(session, filters, None, 50)

    return round(_at(sorted(_timed(find) for _ in range(_SEARCHES)), 0.95), 1)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _at(ordered: list[float] | tuple[float, ...], share: float) -> float:
    return ordered[int(len(ordered) * share)]


if __name__ == "__main__":
    print(json.dumps(list(_measure(int(sys.argv[1])))))
