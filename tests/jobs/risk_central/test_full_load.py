"""A full load: everybody sees the old persons or the new ones, and who is gone is removed."""

import csv
import io
from typing import Any

import pytest
from redis import Redis
from redis.lock import Lock
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.risk_central import editions, jobs, load, loads, sinks, store
from services.risk_central.models import Load
from shared import clock, files
from shared.contracts.risk_central import LoadState
from shared.redis import key
from tests.databases import outbox_of
from tests.jobs.risk_central.conftest import ROWS, begin, counts, found
from tests.soap.people import Row, csv_bytes, row

Sessions = sessionmaker[Session]
NEW = row("179900000", "Vera Luz")
CEDULAS = [item["cedula"] for item in ROWS]


def start(sessions: Sessions, rows: list[Row] | bytes, **options: Any) -> int:
    content = rows if isinstance(rows, bytes) else csv_bytes(rows)
    load_id = begin(sessions, content)
    with sessions.begin() as session:
        session.execute(update(Load).filter_by(id=load_id).values(file_name="r.csv", **options))
    return load_id


def run(sessions: Sessions, rows: list[Row] | bytes, **options: Any) -> int:
    load_id = start(sessions, rows, **options)
    jobs.load_file.run(load_id)
    return load_id


def known(redis: Redis) -> set[str]:
    everybody = [*CEDULAS, NEW["cedula"]]
    return {report.cedula for report in store.list_risks(redis, everybody)}


def news(sessions: Sessions) -> dict[str, Any]:
    return {
        item["cedula"]: item["category"]
        for kind, event in outbox_of(sessions)
        if kind == "risks_changed"
        for item in event["risks"]
    }


def test_who_is_not_in_a_full_file_is_removed_and_it_says_what_it_did(
    sessions: Sessions, redis: Redis
) -> None:
    run(sessions, ROWS)
    changed = [NEW, ROWS[0] | {"category": "E"}, *ROWS[1:8]]
    load_id = run(sessions, changed, full=True)
    job = found(sessions, load_id)
    assert (job.state, job.removed) == (LoadState.DONE, 2)
    assert counts(sessions, load_id) == (9, 1, 1, 7, 0)
    assert known(redis) == {*CEDULAS[:8], NEW["cedula"]}
    last = news(sessions)
    assert (last[CEDULAS[0]], last[NEW["cedula"]]) == ("E", "A1")
    assert (last[CEDULAS[8]], last[CEDULAS[9]]) == (None, None)
    assert [r.cedula for r in store.find_by_name(redis, "vera", 5)] == [NEW["cedula"]]
    assert store.find_by_name(redis, "mora j", 5) == []


def test_a_full_file_that_would_remove_most_changes_nothing_unless_that_is_meant(
    sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "MOST_FROM", 1)
    run(sessions, ROWS)
    cut = ROWS[:4]
    job = found(sessions, run(sessions, cut, full=True))
    assert job.state is LoadState.FAILED
    assert "quitaría a 6 de 10 personas" in job.error
    assert not job.unreadable
    assert known(redis) == set(CEDULAS)
    meant = found(sessions, run(sessions, cut, full=True, removes_most=True))
    assert (meant.state, meant.removed) == (LoadState.DONE, 6)
    assert known(redis) == set(CEDULAS[:4])


def test_an_edition_that_lost_persons_on_the_way_does_not_become_current(
    sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sessions, ROWS)
    write = store.write_whole
    monkeypatch.setattr(store, "write_whole", lambda redis, at, rows: write(redis, at, rows[1:]))
    job = found(sessions, run(sessions, [NEW, *ROWS], full=True))
    assert job.state is LoadState.FAILED
    assert "léalo otra vez" in job.error
    assert not job.unreadable
    assert known(redis) == set(CEDULAS)


def test_a_long_end_says_that_it_lives(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    signs: list[int] = []
    reacquire = Lock.reacquire

    def count(lock: Lock) -> bool:
        signs.append(sinks.HELD)
        return bool(reacquire(lock))

    monkeypatch.setattr(Lock, "reacquire", count)
    people = [row(f"{province:02}1234567", "Mora Rosa") for province in range(1, 21)]
    for buckets in (5000, 1):
        monkeypatch.setattr(sinks, "HELD", buckets)
        run(sessions, people, full=True)
    assert signs.count(1) > signs.count(5000)


def test_half_of_the_persons_may_go_without_a_question(
    sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "MOST_FROM", 1)
    run(sessions, ROWS)
    assert found(sessions, run(sessions, ROWS[:5], full=True)).removed == 5
    assert known(redis) == set(CEDULAS[:5])


def test_readers_see_the_old_until_all_is_there(
    sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sessions, ROWS)
    seen = []
    write, switch = sinks.FullSink.write, editions.switch

    def look(sink: sinks.FullSink) -> None:
        write(sink)
        seen.append((known(redis), len(store.find_by_name(redis, "mora", 50))))

    def last_look(client: Redis, edition: str) -> None:
        seen.append((known(redis), len(store.find_by_name(redis, "mora", 50))))
        switch(client, edition)

    monkeypatch.setattr(sinks.FullSink, "write", look)
    monkeypatch.setattr(editions, "switch", last_look)
    run(sessions, [NEW, *ROWS[:6]], full=True)
    assert len(seen) == 3
    assert {(frozenset(persons), named) for persons, named in seen} == {(frozenset(CEDULAS), 10)}
    assert known(redis) == {*CEDULAS[:6], NEW["cedula"]}


def test_what_was_current_goes_after_a_while(sessions: Sessions, redis: Redis) -> None:
    run(sessions, ROWS)
    run(sessions, [NEW], full=True)
    old = [*redis.scan_iter(key("risk:r:*")), *redis.scan_iter(key("risk:n:*")), key("risk:words")]
    assert len(old) > 10
    assert all(0 < redis.ttl(name) <= editions.GRACE_SECONDS for name in old)
    second = run(sessions, ROWS, full=True)
    assert known(redis) == set(CEDULAS)
    assert editions.current(redis) == f"{second}:"
    assert redis.ttl(key(f"risk:{second}:words")) == -1


def test_a_third_full_load_leaves_the_first_to_its_last_readers(
    sessions: Sessions, redis: Redis
) -> None:
    first = run(sessions, ROWS, full=True)
    run(sessions, ROWS[:9], full=True)
    run(sessions, ROWS[:8], full=True)
    assert 0 < redis.ttl(key(f"risk:{first}:words")) <= editions.GRACE_SECONDS


def test_a_delta_after_a_full_load_changes_its_persons_only(
    sessions: Sessions, redis: Redis
) -> None:
    run(sessions, ROWS, full=True)
    load_id = run(sessions, [NEW, ROWS[0] | {"score": "1"}, ROWS[1]])
    assert counts(sessions, load_id) == (3, 1, 1, 1, 0)
    assert found(sessions, load_id).removed == 0
    assert known(redis) == {*CEDULAS, NEW["cedula"]}


def test_a_good_row_counts_beside_a_wrong_one_of_the_same_person(
    sessions: Sessions, redis: Redis
) -> None:
    run(sessions, ROWS)
    run(sessions, [ROWS[1] | {"score": "mil"}, ROWS[1] | {"score": "5"}], full=True)
    second = store.find_risk(redis, CEDULAS[1])
    assert second is not None
    assert second.score == 5


def test_whose_row_is_wrong_stays_as_before(sessions: Sessions, redis: Redis) -> None:
    run(sessions, ROWS)
    rows = [ROWS[0] | {"score": "mil"}, ROWS[1] | {"score": "5"}, ROWS[1] | {"score": "6"}, NEW]
    load_id = run(sessions, rows, full=True)
    assert counts(sessions, load_id) == (4, 1, 1, 0, 2)
    assert found(sessions, load_id).removed == 8
    assert known(redis) == {*CEDULAS[:2], NEW["cedula"]}
    second = store.find_risk(redis, CEDULAS[1])
    assert second is not None
    assert second.score == 5
    assert [r.cedula for r in store.find_by_name(redis, "mora a", 5)] == [CEDULAS[0]]


@pytest.mark.parametrize("full", [True, False])
def test_a_dry_run_counts_the_same_and_changes_nothing(
    sessions: Sessions, redis: Redis, *, full: bool
) -> None:
    run(sessions, ROWS)
    before = {name: redis.dump(name) for name in redis.scan_iter(key("risk:*"))}
    told = news(sessions)
    rows = [NEW, ROWS[0] | {"category": "E"}, ROWS[1], ROWS[2] | {"score": "mil"}]
    tried = run(sessions, rows, full=full, dry_run=True)
    assert {name: redis.dump(name) for name in redis.scan_iter(key("risk:*"))} == before
    assert news(sessions) == told
    real = run(sessions, rows, full=full)
    assert counts(sessions, tried) == counts(sessions, real) == (4, 1, 1, 1, 1)
    assert found(sessions, tried).removed == found(sessions, real).removed == (7 if full else 0)


def test_a_file_without_a_good_row_removes_nobody(sessions: Sessions, redis: Redis) -> None:
    run(sessions, ROWS)
    load_id = run(sessions, [ROWS[0] | {"score": "mil"}], full=True)
    job = found(sessions, load_id)
    assert job.state is LoadState.FAILED
    assert "ninguna fila buena" in job.error
    assert "Se leyó 1 fila y no se guardó nada" in job.error
    assert job.unreadable
    assert known(redis) == set(CEDULAS)


class KilledError(BaseException):
    """As a kill would end it."""


@pytest.mark.parametrize("after_full", [False, True])
@pytest.mark.parametrize("place", ["write", "end", "ended"])
def test_a_full_load_that_was_killed_goes_on_to_the_same_end(
    sessions: Sessions,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    *,
    after_full: bool,
) -> None:
    run(sessions, ROWS, full=after_full)
    former = editions.current(redis)
    done = getattr(sinks.FullSink, place)

    def killed(sink: sinks.FullSink, *arguments: Any) -> None:
        done(sink, *arguments)
        monkeypatch.setattr(sinks.FullSink, place, done)
        raise KilledError

    monkeypatch.setattr(sinks.FullSink, place, killed)
    load_id = start(sessions, [NEW, *ROWS[:7]], full=True)
    with pytest.raises(KilledError):
        jobs.load_file.run(load_id)
    redis.delete(store.lock_key())  # the lock of the killed one runs out
    jobs.load_file.run(load_id)
    assert found(sessions, load_id).removed == 3
    assert counts(sessions, load_id) == (8, 1, 0, 7, 0)
    assert known(redis) == {*CEDULAS[:7], NEW["cedula"]}
    assert [news(sessions)[cedula] for cedula in CEDULAS[7:]] == [None] * 3
    assert 0 < redis.ttl(f"{editions.head()}{former}words") <= editions.GRACE_SECONDS


def test_a_cancelled_full_load_leaves_nothing(sessions: Sessions, redis: Redis) -> None:
    run(sessions, ROWS)
    load_id = start(sessions, [NEW, *ROWS[:7]], full=True)
    store.write_whole(redis, editions.name_of(load_id), [])
    with sessions.begin() as session:
        job = loads.ledger.get(session, load_id, lock=True)
        loads.ledger.cancel(job)
    redis.set(key(f"risk:{load_id}:n:mora"), b"x")
    jobs.load_file.run(load_id)
    assert list(redis.scan_iter(key(f"risk:{load_id}:*"))) == []
    assert known(redis) == set(CEDULAS)


def test_what_is_loaded_beside_a_full_load_waits_for_it(sessions: Sessions, redis: Redis) -> None:
    running = start(sessions, ROWS, full=True, state=LoadState.RUNNING)
    later = start(sessions, [NEW])
    with pytest.raises(ConnectionError):
        jobs.load_file.run(later)
    jobs.load_file.run(running)
    jobs.load_file.run(later)
    assert known(redis) == {*CEDULAS, NEW["cedula"]}


def test_a_full_load_begun_again_begins_from_the_beginning(
    sessions: Sessions, redis: Redis
) -> None:
    load_id = run(sessions, [ROWS[0] | {"score": "mil"}], full=True)
    with sessions.begin() as session:
        loads.begin_again(session, loads.ledger.get(session, load_id, lock=True), "jefe")
    assert counts(sessions, load_id) == (0, 0, 0, 0, 0)


# --- odd rows and files ---


def test_a_report_of_tomorrow_is_a_rejected_row(sessions: Sessions) -> None:
    tomorrow = clock.today().replace(year=clock.today().year + 1).isoformat()
    load_id = run(sessions, [ROWS[0] | {"reported_on": tomorrow}, ROWS[1]])
    assert counts(sessions, load_id) == (2, 1, 0, 0, 1)
    assert "reported_on: La fecha está en el futuro." in rejected(sessions, load_id)[0]["motivo"]


def test_one_foreign_byte_is_a_rejected_row(sessions: Sessions, redis: Redis) -> None:
    people = [row("171000000", "Ñúñez Íñigo"), row("171000001", "MuXoz Eva")]
    load_id = run(sessions, csv_bytes(people).replace(b"MuXoz", b"Mu\xf1oz"))
    assert counts(sessions, load_id) == (2, 1, 0, 0, 1)
    assert rejected(sessions, load_id)[0]["full_name"] == "Muñoz Eva"
    stored = store.find_risk(redis, people[0]["cedula"])
    assert stored is not None
    assert stored.full_name == "Ñúñez Íñigo"


@pytest.mark.parametrize(
    "changes",
    [
        {"full_name": "A\0na"},
        {"full_name": "\x1b[0m"},
        {"total_debt": "9" * 15},
        {"total_debt": "1e1000000"},
        {"score": "9" * 900},
        {"days_overdue": str(2**63)},
        {"reported_on": "0001-01-01"},
        {"reported_on": "9999-12-31"},
        {"source": "ñ" * 61},
    ],
)
def test_a_value_that_cannot_be_is_a_rejected_row(
    sessions: Sessions, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.RiskLoad, "batch", 50_000)
    filler = [row(f"1719{number:05}", "x" * 190) for number in range(6000)]
    load_id = run(sessions, [*filler, ROWS[0] | changes])
    assert found(sessions, load_id).state is LoadState.DONE
    assert counts(sessions, load_id) == (6001, 6000, 0, 0, 1)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_any_separator_and_encoding_is_read(
    sessions: Sessions, separator: str, encoding: str
) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ROWS[0], delimiter=separator)
    writer.writeheader()
    writer.writerows(ROWS)
    load_id = run(sessions, text.getvalue().encode(encoding))
    assert counts(sessions, load_id) == (10, 10, 0, 0, 0)


def test_a_held_file_shows_its_rows_and_goes_on(sessions: Sessions, redis: Redis) -> None:
    load_id = run(sessions, [ROWS[0], ROWS[1] | {"score": "mil"}], hold=True)
    with sessions.begin() as session:
        job = loads.ledger.get(session, load_id, lock=True)
        assert job.state == LoadState.HELD
        assert [item["reason"] is None for item in job.preview] == [True, False]
        assert known(redis) == set()
        loads.ledger.release(job, None, dry_run=None, hold=False)
    jobs.load_file.run(load_id)
    assert counts(sessions, load_id) == (2, 1, 0, 0, 1)


def rejected(sessions: Sessions, load_id: int) -> list[dict[str, str]]:
    with files.open_key(found(sessions, load_id).rejected_key) as stored:
        text = stored.read().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))
