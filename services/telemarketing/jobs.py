"""telemarketing's jobs: call lists, the risk of a whole assignment, and what is forgotten."""

from typing import Any
from uuid import UUID

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.telemarketing import (
    assignments,
    bureau,
    call_lists,
    contacts,
    leases,
    merges,
    moves,
    refreshes,
    risks,
)
from shared import clock, jobs, outbox, trace, transfer
from shared.contracts import campaign as campaign_contract
from shared.contracts.telemarketing import RiskCheck, RiskPurpose, RiskState
from shared.db import sessions
from shared.errors import Unavailable

ROOM = "telemarketing"
ANNOUNCED_AT_ONCE = 20_000
SCHEDULE = {
    "telemarketing.forget_old": {
        "task": "telemarketing.forget_old",
        "schedule": crontab(hour="3", minute="40"),
    },
    "telemarketing.announce_lists": {
        "task": "telemarketing.announce_lists",
        "schedule": crontab(hour="4", minute="10"),
    },
}


def on_chunk_failed(reason: str, chunk: dict[str, Any]) -> None:
    """Without one of its chunks a list is never complete."""
    on_list_failed(reason, transfer.Chunk(**chunk).transfer_id)


def on_list_failed(reason: str, transfer_id: str) -> None:
    """End the list as failed; it can be asked for again."""
    with sessions(ROOM).begin() as session:
        call_lists.fail(session, UUID(transfer_id), reason)
    _remove_leftovers()


@jobs.job(campaign_contract.LOAD_CALL_LIST_CHUNK, failed=on_chunk_failed)
def load_call_list_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of people into their call list; the last one to arrive has it merged."""
    transfer.receive(ROOM, chunk, call_lists.DESTINATION, then=_begin_merge)


def _begin_merge(session: Session, transfer_id: UUID, _rows: int) -> None:
    outbox.add_job(session, "telemarketing.merge_call_list", str(transfer_id))


@jobs.job("telemarketing.merge_call_list", failed=on_list_failed)
def merge_call_list(transfer_id: str) -> None:
    """Make a complete call list the campaign's, in parts; run again, it goes on where it was."""
    list_id = UUID(transfer_id)
    with sessions(ROOM).begin() as session:
        begun = merges.begin(session, list_id)
    if begun:
        _merge(list_id)
    _remove_leftovers()


def _merge(list_id: UUID) -> None:
    _analyse()
    more = True
    while more:
        with sessions(ROOM).begin() as session:
            more = merges.merge_part(session, list_id)
    _analyse()  # whoever assigns now meets a table that may have grown from nothing
    with sessions(ROOM).begin() as session:
        merges.finish(session, list_id)


def _analyse() -> None:
    with sessions(ROOM).begin() as session:
        merges.analyse(session)


def _remove_leftovers() -> None:
    """Remove the rows of lists that have ended, whatever their end was."""
    with sessions(ROOM).begin() as session:
        leftovers = call_lists.list_leftovers(session)
    for transfer_id in leftovers:
        with sessions(ROOM).begin() as session:
            call_lists.remove_rows(session, transfer_id)


@jobs.job("telemarketing.forget_old")
def forget_old() -> None:
    """Forget touches that count no more for the cap, and who was held a while ago."""
    with sessions(ROOM).begin() as session:
        contacts.forget_old(session, clock.now())
        leases.forget_expired(session, clock.now())
    _remove_leftovers()


@jobs.job("telemarketing.announce_lists")
def announce_lists() -> None:
    """Say again who is on whose list, for rooms that missed it."""
    place: tuple[int, int] | None = (0, 0)
    while place is not None:
        with sessions(ROOM).begin() as session:
            place = moves.announce_page(session, place, ANNOUNCED_AT_ONCE)


def on_refresh_failed(reason: str, _campaign: int, _advisor: str, number: int, _after: int) -> None:
    """End the refresh as failed; it can be asked for again."""
    with sessions(ROOM).begin() as session:
        refreshes.end(session, number, reason)


@jobs.job("telemarketing.refresh_risks", failed=on_refresh_failed)
def refresh_risks(campaign_id: int, advisor: str, number: int, after: int) -> None:
    """Ask for 500 of an advisor's open people after a customer, then hand on to the next 500.

    A bureau that is down makes the job wait and try again.
    """
    with sessions(ROOM).begin() as session:
        if not refreshes.is_running(session, campaign_id, advisor, number):
            return
        people = assignments.list_open_people(
            session, campaign_id, advisor, after, bureau.MAX_CEDULAS
        )
        if not people:
            refreshes.end(session, number)
            return
    checks, through = _ask(dict(people)), people[-1][0]
    asker = trace.find_actor()
    with sessions(ROOM).begin() as session:
        if refreshes.move_on(session, number, after, through, len(people)):
            who = asker.username if asker else advisor
            risks.insert_checks(session, checks, who, RiskPurpose.REVIEW)
            following = [campaign_id, advisor, number, through]
            outbox.add_job(session, "telemarketing.refresh_risks", *following)


def _ask(cedulas: dict[int, str]) -> list[RiskCheck]:
    try:
        reports = bureau.shared_bureau().list_risks(list(cedulas.values()))
    except bureau.BureauRefusesError:
        raise Unavailable(
            "La central de riesgos rechaza las credenciales del sistema. Avise al administrador."
        ) from None
    except bureau.BureauDownError as error:
        raise ConnectionError("the risk central does not answer") from error
    known, now = {report.cedula: report for report in reports}, clock.now()
    return [
        risks.make_check(
            customer_id,
            RiskState.KNOWN if cedula in known else RiskState.UNKNOWN,
            known.get(cedula),
            now,
        )
        for customer_id, cedula in cedulas.items()
    ]
