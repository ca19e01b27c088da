"""risk_central's doors: loads and the search for the pages."""

import io
from typing import Any

import pytest
from redis import Redis

from services.risk_central import loads
from services.risk_central.load import RISKS, load_file
from shared import files, trace
from shared.contracts.risk_central import LoadState, NewLoad, RiskPurpose
from shared.errors import Conflict, Invalid, NotFound, Unavailable
from tests.databases import outbox_of
from tests.make.actors import make_actor
from tests.soap.people import PEOPLE, csv_bytes


@pytest.fixture
def sessions(database: Any) -> Any:
    return database("risk_central")


@pytest.fixture
def bureau(door: Any, sessions: Any, redis: Redis) -> Any:
    load_file(redis, io.BytesIO(csv_bytes(PEOPLE)))
    return door("risk_central", sessions, redis=redis)


@pytest.fixture
def key() -> str:
    with files.create(found := files.new_key(".csv")) as target:
        target.write(csv_bytes(PEOPLE))
    return found


def new_load(file_key: str, **options: Any) -> NewLoad:
    return NewLoad(file_key=file_key, file_name="riesgos.csv", **options)


def test_a_load_waits_for_its_job(bureau: Any, sessions: Any, key: str) -> None:
    load = bureau.start_load(new_load(key))
    assert (load.state, load.created_by, load.finished_at) == (LoadState.WAITING, "jefe", None)
    assert bureau.get_load(load.id) == load
    assert outbox_of(sessions) == [("risk_central.load_file", {"arguments": [load.id]})]


def test_a_file_that_is_not_there_begins_nothing(bureau: Any, sessions: Any) -> None:
    with pytest.raises(NotFound):
        bureau.start_load(new_load(files.new_key(".csv")))
    assert outbox_of(sessions) == []
    with pytest.raises(NotFound):
        bureau.get_load(1)


@pytest.fixture
def failed(bureau: Any, sessions: Any, key: str) -> int:
    """A load that could not be done."""
    load = bureau.start_load(new_load(key))
    with sessions.begin() as session:
        job = loads.ledger.get(session, load.id)
        loads.ledger.end_failed(session, job, "Redis no respondió.", RISKS, unreadable=False)
    return int(load.id)


def test_a_load_that_failed_waits_again_for_its_job(
    bureau: Any, sessions: Any, failed: int
) -> None:
    again = bureau.rerun_load(failed)
    assert (again.state, again.error, again.finished_at) == (LoadState.WAITING, None, None)
    assert bureau.get_load(failed) == again
    job = ("risk_central.load_file", {"arguments": [failed]})
    assert [item for item in outbox_of(sessions) if item[0] == job[0]] == [job, job]
    with pytest.raises(Conflict, match="no terminó"):
        bureau.rerun_load(failed)
    assert [item for item in outbox_of(sessions) if item[0] == job[0]] == [job, job]


def test_a_load_whose_file_is_gone_is_not_begun_again(bureau: Any, key: str, failed: int) -> None:
    files.remove(key)
    with pytest.raises(NotFound, match="ya no existe"):
        bureau.rerun_load(failed)
    assert bureau.get_load(failed).state is LoadState.FAILED
    with pytest.raises(NotFound, match="La carga no existe"):
        bureau.rerun_load(failed + 1)


def test_going_on_twice_with_one_key_begins_one_job(
    bureau: Any, sessions: Any, failed: int
) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        assert bureau.rerun_load(failed) == bureau.rerun_load(failed)
    assert [name for name, _ in outbox_of(sessions)].count("risk_central.load_file") == 2


def test_a_held_load_goes_on_as_it_was_begun(bureau: Any, sessions: Any, key: str) -> None:
    load = bureau.start_load(new_load(key, full=True, dry_run=True, hold=True))
    with pytest.raises(Conflict):
        bureau.resume_load(load.id)
    with sessions.begin() as session:
        job = loads.ledger.get(session, load.id)
        job.state, job.columns = LoadState.HELD, ["a"]
        job.preview = [{"line": 2, "values": {"score": "x"}, "reason": "score: mal"}]
    shown = bureau.preview_load(load.id)
    assert (shown.columns, shown.rows[0].reason) == (["a"], "score: mal")
    assert shown.rows[0].values == {"score": "x"}
    with trace.use(actor=make_actor("otra", "admin")):
        [row] = bureau.preview_load(load.id).rows
    assert (row.values, row.reason) == ({"score": "•••"}, "score: mal")
    again = bureau.resume_load(load.id)
    assert (again.state, again.full, again.dry_run) == (LoadState.WAITING, True, True)
    assert [name for name, _ in outbox_of(sessions)].count("risk_central.load_file") == 2


def test_what_was_only_tried_is_loaded_by_a_load_of_its_own(
    bureau: Any, sessions: Any, key: str
) -> None:
    tried = bureau.start_load(new_load(key, full=True, removes_most=True, dry_run=True))
    with sessions.begin() as session:
        loads.ledger.end_done(session, loads.ledger.get(session, tried.id), RISKS)
    real = bureau.rerun_load(tried.id)
    assert real.id != tried.id
    assert (real.state, real.dry_run) == (LoadState.WAITING, False)
    assert (real.full, real.removes_most, real.file_name) == (True, True, tried.file_name)
    assert ("risk_central.load_file", {"arguments": [real.id]}) in outbox_of(sessions)
    assert bureau.get_load(tried.id).state is LoadState.DONE
    with pytest.raises(Conflict):
        bureau.rerun_load(real.id)


def test_that_most_may_go_is_said_where_a_load_goes_on(
    bureau: Any, sessions: Any, key: str, failed: int
) -> None:
    assert not bureau.get_load(failed).removes_most
    assert bureau.rerun_load(failed, removes_most=True).removes_most
    held = bureau.start_load(new_load(key, full=True, hold=True))
    with sessions.begin() as session:
        loads.ledger.get(session, held.id).state = LoadState.HELD
    assert bureau.resume_load(held.id, removes_most=True).removes_most


def test_a_load_is_cancelled_once(bureau: Any, sessions: Any, key: str) -> None:
    load = bureau.start_load(new_load(key))
    for _ in range(2):
        assert bureau.cancel_load(load.id).state is LoadState.CANCELLED
    assert [name for name, _ in outbox_of(sessions)].count("risk_central.load_file") == 2
    with pytest.raises(NotFound):
        bureau.cancel_load(load.id + 1)


def test_loads_come_newest_first_in_pages(bureau: Any, key: str) -> None:
    ids = [bureau.start_load(new_load(key)).id for _ in range(3)]
    first = bureau.list_loads(limit=2)
    rest = bureau.list_loads(after=first.next, limit=2)
    assert [load.id for load in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None


def test_search_by_cedula_and_by_name(bureau: Any) -> None:
    [person] = bureau.find_risks(f" {PEOPLE[2]['cedula']} ", RiskPurpose.REVIEW)
    assert person.full_name == PEOPLE[2]["full_name"]
    assert person in bureau.find_risks("nunez pena", RiskPurpose.REVIEW)
    assert bureau.find_risks("1710034065", RiskPurpose.REVIEW) == []
    assert bureau.find_risks("xyzxyz", RiskPurpose.REVIEW) == []


@pytest.mark.parametrize("search", ["", "a", "1234567890"])
def test_a_search_that_means_nobody_is_invalid(bureau: Any, search: str) -> None:
    with pytest.raises(Invalid) as error:
        bureau.find_risks(search, RiskPurpose.REVIEW)
    assert error.value.fields[0].field == "search"


def test_without_redis_search_and_health_say_so(door: Any, sessions: Any) -> None:
    gone = door("risk_central", sessions, redis=Redis(port=1, socket_connect_timeout=1))
    for ask in (gone.check_health, lambda: gone.find_risks("mora", RiskPurpose.REVIEW)):
        with pytest.raises(Unavailable):
            ask()
