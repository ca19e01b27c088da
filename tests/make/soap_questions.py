"""Questions to the bureau by the ten thousand, as its record has them after some months."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import audit
from tests.make.plans import explained, nodes
from tests.soap.people import cedula

MONTHS = (date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1))
DAY = date(2026, 10, 5)
PERSON = cedula("171000007")
_FEW = 200  # rows that may be sorted
_ROWS = text("""
INSERT INTO soap_question
SELECT CAST(:first AS bigint) + number * (20 * 86400 * 1000000::bigint / :wanted),
    :at + number * interval '20 days' / :wanted, 'sistema' || (number::bigint * 31) % 41,
    (ARRAY['GetRiskByCedula', 'GetRisks', 'FindRiskByName'])[1 + number % 3], 1, 1,
    CASE WHEN number % 500 = 0 THEN 'minute' ELSE 'answered' END, '10.0.0.7', 1,
    CASE WHEN number % 4000 = 0 THEN ARRAY[CAST(:person AS text)]
        ELSE ARRAY['#' || left(md5(number::text), 24), '#' || left(md5('b' || number), 24)] END
FROM generate_series(1, :wanted) AS number
""")


def fill(session: Session, wanted: int) -> None:
    """So many in each of the months, of 41 clients; one in 4,000 about `PERSON`."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
    person = audit.fingerprint(PERSON)
    for month in MONTHS:
        session.execute(text("SELECT soap_make_month(:day)"), {"day": month})
        at = datetime(month.year, month.month, 1, 12, tzinfo=UTC)
        first = round(at.timestamp()) * 1_000_000
        values = {"first": first, "at": at, "wanted": wanted, "person": person}
        session.execute(_ROWS, values)
    session.execute(text("ANALYZE soap_question"))


def months_read(session: Session, look: Callable[[], Any], by: str) -> set[str]:
    """The months that are read for it. Raises AssertionError when it is not by that index."""
    with explained(session) as plans:
        look()
    assert plans
    steps = [node for plan in plans for node in nodes(plan)]
    for node in steps:  # months that hold nothing yet are read as it comes
        assert node["Node Type"] != "Seq Scan" or not _months_of([node]), node
        assert node["Node Type"] != "Sort" or node["Plan Rows"] <= _FEW, node
    used = {node["Index Name"] for node in steps if "Index Name" in node}
    assert {name for name in used if _month(name) and f"_{by}" not in name} == set(), used
    return _months_of(steps)


def _months_of(steps: list[Any]) -> set[str]:
    return {_month(node["Relation Name"]) for node in steps if "Relation Name" in node} - {""}


def _month(name: str) -> str:
    """Of a partition or an index of one, where that is one of the months with questions."""
    return next((found for day in MONTHS if (found := f"{day:%Y%m}") in name), "")
