"""A risk file's load: counts, events, rejected rows, and a load that was killed."""

from datetime import datetime

import pytest
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from services.risk_central import jobs, load, store
from shared import clock, files
from shared.contracts.risk_central import LoadState
from tests.databases import outbox_of
from tests.jobs.risk_central.conftest import ROWS, begin, counts, found
from tests.soap.people import Row, csv_bytes, row


def run(sessions: sessionmaker[Session], rows: list[Row]) -> int:
    load_id = begin(sessions, csv_bytes(rows))
    jobs.load_file.run(load_id)
    return load_id


def news(sessions: sessionmaker[Session]) -> list[str]:
    """The cédulas announced, in order."""
    return [
        item["cedula"]
        for kind, event in outbox_of(sessions)
        if kind == "risks_changed"
        for item in event["risks"]
    ]


def test_a_file_is_loaded_counted_and_announced(
    sessions: sessionmaker[Session], redis: Redis
) -> None:
    load_id = run(sessions, ROWS)
    job = found(sessions, load_id)
    assert (job.state, job.rejected_key) == (LoadState.DONE, None)
    assert counts(sessions, load_id) == (10, 10, 0, 0, 0)
    assert news(sessions) == [row["cedula"] for row in ROWS]
    assert store.find_risk(redis, ROWS[9]["cedula"]) is not None


def test_the_same_file_again_changes_and_announces_nothing(
    sessions: sessionmaker[Session],
) -> None:
    run(sessions, ROWS)
    load_id = run(sessions, ROWS)
    assert counts(sessions, load_id) == (10, 0, 0, 10, 0)
    assert len(news(sessions)) == 10


def test_news_say_when_they_were_true(sessions: sessionmaker[Session]) -> None:
    before = clock.now()
    run(sessions, ROWS)
    times = [
        datetime.fromisoformat(event["at"])
        for kind, event in outbox_of(sessions)
        if kind == "risks_changed"
    ]
    assert len(times) == 3
    assert before <= times[0] <= times[1] <= times[2] <= clock.now()


def test_news_go_out_in_batches_of_500(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.RiskLoad, "batch", 50_000)
    run(sessions, [row(f"1720{number:05}", "Mora Rosa") for number in range(1001)])
    sizes = [len(event["risks"]) for kind, event in outbox_of(sessions) if kind == "risks_changed"]
    assert sizes == [500, 500, 1]


def test_only_new_categories_are_announced(sessions: sessionmaker[Session]) -> None:
    run(sessions, ROWS)
    changed = [ROWS[0] | {"score": "1"}, ROWS[1] | {"category": "E"}, *ROWS[2:]]
    load_id = run(sessions, changed)
    assert counts(sessions, load_id) == (10, 0, 2, 8, 0)
    assert news(sessions)[10:] == [ROWS[1]["cedula"]]


def test_rejected_rows_come_back_as_a_file_with_the_reason(
    sessions: sessionmaker[Session],
) -> None:
    load_id = run(sessions, [ROWS[0], ROWS[1] | {"score": "mil"}, ROWS[0]])
    job = found(sessions, load_id)
    assert counts(sessions, load_id) == (3, 1, 0, 0, 2)
    with files.open_key(job.rejected_key) as stored:
        lines = stored.read().decode("utf-8-sig").splitlines()
    assert lines[0].endswith("source;linea;motivo")
    assert "mil" in lines[1]
    assert ";3;" in lines[1]
    assert "ya está en una fila anterior" in lines[2]


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"cedula,nombre\n1,2\n", b"", b"\x81\xff" * 9]
)
def test_a_file_that_is_none_ends_as_failed_and_says_why(
    sessions: sessionmaker[Session], content: bytes
) -> None:
    load_id = begin(sessions, content)
    jobs.load_file.run(load_id)
    job = found(sessions, load_id)
    assert job.state is LoadState.FAILED
    assert job.error
    assert job.finished_at is not None


class KilledError(BaseException):
    """As a kill would end it."""


@pytest.mark.parametrize("chunk", [0, 1, 2])
@pytest.mark.parametrize("written", [True, False])
def test_a_load_that_was_killed_goes_on_and_its_counts_add_up(
    sessions: sessionmaker[Session],
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    *,
    written: bool,
) -> None:
    """Killed in the chunk that was noted, before or after its persons were written."""
    write = store.write
    done: list[store.Changes] = []

    def killed(client: Redis, changes: store.Changes) -> None:
        if len(done) < chunk or written:
            write(client, changes)
        if len(done) == chunk:
            raise KilledError
        done.append(changes)

    load_id = begin(sessions, csv_bytes([*ROWS, ROWS[0]]))
    monkeypatch.setattr(store, "write", killed)
    with pytest.raises(KilledError):
        jobs.load_file.run(load_id)
    redis.delete(store.lock_key())  # the lock of the killed one runs out
    monkeypatch.setattr(store, "write", write)
    jobs.load_file.run(load_id)
    jobs.load_file.run(load_id)
    assert counts(sessions, load_id) == (11, 10, 0, 0, 1)
    assert sorted(news(sessions)) == sorted(row["cedula"] for row in ROWS)
    assert len(store.list_risks(redis, [row["cedula"] for row in ROWS])) == 10


@pytest.mark.parametrize("tail", ['"abierta\n1,2\n', '"abierta\n' + "8,9\n" * 90_000])
def test_a_file_that_breaks_in_the_middle_loads_nothing(
    sessions: sessionmaker[Session], redis: Redis, tail: str
) -> None:
    load_id = begin(sessions, csv_bytes(ROWS) + tail.encode())
    jobs.load_file.run(load_id)
    job = found(sessions, load_id)
    assert job.state is LoadState.FAILED
    assert "dañado" in job.error
    assert "No se cargó nada." in job.error
    assert counts(sessions, load_id) == (0, 0, 0, 0, 0)
    assert news(sessions) == []
    assert store.list_risks(redis, [row["cedula"] for row in ROWS]) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "mac_roman"])
def test_a_file_of_another_encoding_is_loaded(
    sessions: sessionmaker[Session], redis: Redis, encoding: str
) -> None:
    people = [row("171000000", "Ñúñez Íñigo")]
    load_id = begin(sessions, csv_bytes(people, encoding=encoding))
    jobs.load_file.run(load_id)
    assert counts(sessions, load_id) == (1, 1, 0, 0, 0)
    stored = store.find_risk(redis, people[0]["cedula"])
    assert stored is not None
    assert stored.full_name == "Ñúñez Íñigo"


def test_the_rejected_rows_are_loaded_when_they_are_mended(
    sessions: sessionmaker[Session], redis: Redis
) -> None:
    load_id = run(sessions, [ROWS[0], ROWS[1] | {"score": "1001", "full_name": "=Mora Ñ"}])
    with files.open_key(found(sessions, load_id).rejected_key) as stored:
        mended = stored.read().replace(b";1001;", b";900;")
    again = begin(sessions, mended)
    jobs.load_file.run(again)
    assert counts(sessions, again) == (1, 1, 0, 0, 0)
    person = store.find_risk(redis, ROWS[1]["cedula"])
    assert person is not None
    assert person.full_name == "=Mora Ñ"
