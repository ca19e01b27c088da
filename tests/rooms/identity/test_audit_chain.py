"""The record of a database whose owner does as he likes: whatever was done to it is named."""

import csv
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from services.identity import audit, chain, jobs, verify_audit
from shared import clock
from shared.permissions import Role
from tests.databases import outbox_of
from tests.make.audit import make_event

Sessions = sessionmaker[Session]
FIRST, SECOND = date(2026, 11, 20), date(2026, 11, 21)
FIVE = chain.id_of(FIRST, 5)


@pytest.fixture
def record(database: Callable[[str], Sessions], monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """Nine lines on each of two days, both sealed, and three of today."""
    sessions = database("identity")
    noon = datetime(2026, 11, 20, 17, tzinfo=UTC)
    for day, lines in ((0, 9), (1, 9), (2, 3)):
        at = noon + timedelta(days=day)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        with sessions.begin() as session:
            for number in range(lines):
                audit.append(session, make_event(number, at))
    with sessions.begin() as session:
        assert audit.seal_days(session, clock.today()) == [FIRST, SECOND]
    return sessions


def tamper(sessions: Sessions, statement: str, **values: Any) -> None:
    """As a superuser to whom no trigger applies."""
    with sessions.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement), values)


def faults(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(verify_audit.verify(session))


def test_an_untouched_record_is_whole(record: Sessions) -> None:
    assert faults(record) == []


CHANGES = {
    "a value": ("username = 'otra'", "line 5 was changed"),
    "whose data": ("customer_id = 99, object_id = '99'", "line 5 was changed"),
    "the time": ("at = at - interval '1 hour'", "line 5 was changed"),
    "what was seen": ("fields = '{}'", "line 5 was changed"),
    "a hash": ("hash = 'x'", "line 5 was changed"),
    "which system asked": ("system = 'Otro'", "line 5 was changed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_line_is_named(record: Sessions, what: str) -> None:
    change, told = CHANGES[what]
    tamper(record, f"UPDATE audit_entry SET {change} WHERE id = :id", id=FIVE)
    assert faults(record)[0].startswith(f"{FIRST}: {told}")


def test_a_line_changed_with_its_hash_does_not_fit_the_next(record: Sessions) -> None:
    with record() as session:
        lines = {line["id"]: dict(line) for line in audit.lines_of(session, FIRST)}
    forged = lines[FIVE] | {"username": "otra"}
    made = chain.link(lines[FIVE - 1]["hash"], forged)
    change = "UPDATE audit_entry SET username = 'otra', hash = :made WHERE id = :id"
    tamper(record, change, made=made, id=FIVE)
    assert faults(record) == [f"{FIRST}: line 6 was changed, or the one before it"]


@pytest.mark.parametrize(("number", "which"), [(1, "first"), (5, "middle"), (9, "last")])
def test_a_removed_line_is_named(record: Sessions, number: int, which: str) -> None:
    tamper(record, "DELETE FROM audit_entry WHERE id = :id", id=chain.id_of(FIRST, number))
    assert faults(record) == [f"{FIRST}: line {number} was removed"], which


def test_a_line_removed_today_is_named_though_nothing_is_sealed_yet(record: Sessions) -> None:
    today = FIRST + timedelta(days=2)
    tamper(record, "DELETE FROM audit_entry WHERE id = :id", id=chain.id_of(today, 3))
    assert faults(record) == [f"{today}: line 3 was removed"]


COPY = """
INSERT INTO audit_entry SELECT (jsonb_populate_record(entry, jsonb_build_object('id', {}))).*
FROM audit_entry AS entry WHERE id = :id
"""


@pytest.mark.parametrize(
    ("entry_id", "told"),
    [
        (chain.id_of(FIRST, 10), "2026-11-20: line 10 was inserted, the day has 9"),
        (chain.id_of(FIRST, 0), "2026-11-20: line 0 was inserted, the day has 9"),
        (chain.id_of(date(2026, 11, 19), 1), "2026-11-19: lines were inserted on a day"),
    ],
)
def test_an_inserted_line_is_named(record: Sessions, entry_id: int, told: str) -> None:
    tamper(record, COPY.format(entry_id), id=FIVE)
    assert faults(record)[0].startswith(told)


def _forge_day(sessions: Sessions) -> None:
    """The last line removed and the day made to end with the one before, seal and all."""
    with sessions() as session:
        end = list(audit.lines_of(session, FIRST))[7]["hash"]
    tamper(sessions, "DELETE FROM audit_entry WHERE id = :id", id=chain.id_of(FIRST, 9))
    change = "UPDATE audit_day SET rows = 8, hash = :end, seal = :seal WHERE day = :day"
    tamper(sessions, change, end=end, seal=chain.seal("", FIRST, 8, end), day=FIRST)


def test_a_day_made_anew_does_not_fit_the_seal_of_the_next(record: Sessions) -> None:
    _forge_day(record)
    [fault] = faults(record)
    assert fault.startswith(f"{SECOND}: the day was changed, or the one before it")


def test_a_removed_day_is_missed_by_the_next(record: Sessions) -> None:
    tamper(record, "DELETE FROM audit_entry WHERE id < :id", id=chain.id_of(SECOND))
    tamper(record, "DELETE FROM audit_day WHERE day = :day", day=FIRST)
    [fault] = faults(record)
    assert fault == f"{SECOND}: the day was changed, or the one before it, or one is missing"


def test_a_sealed_day_goes_out_as_a_file_whose_hashes_anybody_can_make(
    record: Sessions, tmp_path: Path
) -> None:
    with record() as session:
        assert verify_audit.export(session, tmp_path) == [FIRST, SECOND]
        [first, *_] = audit.all_days(session)
    file = tmp_path / f"registro-{FIRST}-{first['seal']}.csv"
    before = hashlib.sha256(str(FIRST).encode()).hexdigest()
    with file.open(encoding="utf-8-sig", newline="") as opened:
        for row in csv.DictReader(opened, delimiter=";"):
            assert verify_audit.rehash(before, row) == row["hash"]
            before = row["hash"]
    assert before == first["hash"]


# --- the nightly job ---


@pytest.fixture
def nightly(record: Sessions, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(jobs, "sessions", lambda _room: record)
    return lambda: jobs.keep_audit()


def test_the_job_seals_what_is_over_and_not_today(
    record: Sessions, nightly: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with record.begin() as session:
        audit.append(session, make_event(1, later))
    nightly()
    with record() as session:
        assert [bool(day["seal"]) for day in audit.all_days(session)] == [True, True, True, False]
    assert faults(record) == []


def test_administrators_are_told_of_a_day_that_does_not_hold(
    record: Sessions, nightly: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clock.today()
    tamper(record, "UPDATE audit_entry SET purpose = 'x' WHERE id = :id", id=chain.id_of(today, 2))
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    nightly()
    [(kind, notice)] = outbox_of(record)
    assert (kind, notice["role"]) == ("notice_requested", Role.ADMIN)
    assert f"{today}: line 2 was changed" in notice["detail"]


def test_months_after_their_time_are_removed_but_for_their_hashes(
    record: Sessions, nightly: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    present = clock.now()
    old = present - timedelta(days=25 * 31)
    with record.begin() as session:
        audit.make_months(session, old.date())
    monkeypatch.setattr(clock, "now", lambda: old)
    with record.begin() as session:
        audit.append(session, make_event(1, old))
        tamper(record, "UPDATE audit_day SET seal = NULL, sealed_at = NULL")
    monkeypatch.setattr(clock, "now", lambda: present)
    nightly()
    with record() as session:
        [removed, kept, *_] = audit.all_days(session)
        assert list(audit.lines_of(session, old.date())) == []
    assert (removed["rows"], bool(removed["seal"]), bool(removed["removed_at"])) == (1, True, True)
    assert kept["removed_at"] is None
    assert faults(record) == []


def test_the_system_that_asked_is_covered_where_there_was_one(record: Sessions) -> None:
    today = FIRST + timedelta(days=2)
    with record.begin() as session:
        entry_id = audit.append(session, make_event(7, system="Facturación"))
    assert faults(record) == []
    tamper(record, "UPDATE audit_entry SET system = '' WHERE id = :id", id=entry_id)
    assert faults(record) == [f"{today}: line 4 was changed, or the one before it"]


def test_lines_from_before_systems_asked_have_the_hash_that_they_had(record: Sessions) -> None:
    with record() as session:
        line = dict(next(audit.lines_of(session, FIRST)))
    del line["system"]
    assert chain.link(chain.beginning(FIRST), line) == line["hash"]
