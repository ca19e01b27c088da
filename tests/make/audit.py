"""Lines of the record, one at a time and by the million, and the plans of searches among them."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.identity import audit, chain
from shared import clock
from shared.contracts.audit import Audited
from tests.make.plans import explained, nodes

MONTHS = (date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1))
_FEW = 200  # rows that may be sorted
_LINES = text("""
INSERT INTO audit_entry
SELECT CAST(:first AS bigint) + number, :at + number * interval '20 days' / :wanted,
    'customer_query',
    (ARRAY['profile_seen', 'timeline_seen', 'risk_seen', 'changed'])[1 + number % 4], 'customer',
    number % 100000, 1 + (number::bigint * 7919) % 100000,
    CASE WHEN number % 10 = 0 THEN ARRAY[number % 5000, number % 100000]::bigint[] ELSE '{}' END,
    1, CASE WHEN number % 1000 = 500 THEN '' ELSE 'asesor' || (number::bigint * 31) % 401 END,
    'Rosa Quishpe', 'Asesor', '', '{}', '{}',
    '10.0.0.7', md5(number::text), md5(number::text),
    CASE WHEN number % 50 = 1 THEN 'Sistema ' || number % 7 ELSE '' END
FROM generate_series(1, :wanted) AS number
""")


def make_event(number: int, at: datetime | None = None, **changes: Any) -> Audited:
    """An advisor saw the profile of a customer."""
    who = {"user_id": 7, "username": "eva", "full_name": "Eva Ruiz", "role": "advisor"}
    what = {"action": "profile_seen", "object_kind": "customer", "object_id": str(number)}
    rest: dict[str, Any] = {"purpose": "", "source": "", "trace_id": "t", "room": "customer_query"}
    lists: dict[str, Any] = {"listed": [], "fields": ["ñ"], "changes": {"a": [None, 1]}}
    usual = {"at": at or clock.now(), "customer_id": number} | who | what | rest | lists
    return Audited(**usual | changes)


def fill(session: Session, wanted: int) -> None:
    """So many lines in each of the three months, of 401 users, 7 systems and 100,000 customers."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
    for month in MONTHS:
        session.execute(text("SELECT audit_make_month(:day)"), {"day": month})
        at = datetime(month.year, month.month, 1, 12, tzinfo=UTC)
        session.execute(_LINES, {"first": chain.id_of(month), "at": at, "wanted": wanted})
    session.execute(text("ANALYZE audit_entry"))


def months_read(session: Session, filters: audit.Filters) -> set[str]:
    """The months whose lines a search reads. Raises AssertionError when it is not by an index."""
    with explained(session) as plans:
        audit.list_entries(session, filters, None, 50)
    [plan] = plans
    for node in nodes(plan):  # months that hold nothing yet are read as it comes
        assert node["Node Type"] != "Seq Scan" or not _months_of(node), (filters, node)
        assert node["Node Type"] != "Sort" or node["Plan Rows"] <= _FEW, (filters, node)
    return _months_of(plan)


def indexes_read(session: Session, filters: audit.Filters) -> set[str]:
    """By what a search finds its lines in the months, as PostgreSQL names it in each of them."""
    with explained(session) as plans:
        audit.list_entries(session, filters, None, 50)
    [plan] = plans
    named = (node.get("Index Name", "") for node in nodes(plan))
    months = {f"audit_entry_{day:%Y%m}_" for day in MONTHS}
    return {name[len("audit_entry_202608_") :] for name in named if name[:19] in months}


def _months_of(plan: Any) -> set[str]:
    read = {node["Relation Name"][-6:] for node in nodes(plan) if "Relation Name" in node}
    return read & {f"{day:%Y%m}" for day in MONTHS}
