"""telemarketing's jobs: loading call lists, and the risk of a whole assignment."""

from typing import Any
from uuid import UUID

from services.telemarketing import assignments, bureau, campaigns, risks
from shared import clock, jobs, outbox, trace, transfer
from shared.contracts import campaign as campaign_contract
from shared.contracts.telemarketing import RiskCheck, RiskState
from shared.db import sessions

ROOM = "telemarketing"


@jobs.job(campaign_contract.LOAD_CALL_LIST_CHUNK)
def load_call_list_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of people into their call list; the last one to arrive has it merged."""
    piece = transfer.Chunk(**chunk)
    with sessions(ROOM).begin() as session:
        transfer.load_chunk(session, piece, campaigns.TARGET)
    with sessions(ROOM).begin() as session:
        if transfer.complete(session, UUID(piece.transfer_id)) is not None:
            outbox.add_job(session, "telemarketing.merge_call_list", piece.transfer_id)


@jobs.job("telemarketing.merge_call_list")
def merge_call_list(transfer_id: str) -> None:
    """Make a complete call list the campaign's, in one transaction; again it changes nothing."""
    with sessions(ROOM).begin() as session:
        campaigns.merge(session, UUID(transfer_id))


@jobs.job("telemarketing.refresh_risks")
def refresh_risks(campaign_id: int, advisor: str, after: int) -> None:
    """Ask for 500 of an advisor's open people after a customer, then hand on to the next 500.

    A bureau that is down makes the job wait and try again.
    """
    with sessions(ROOM).begin() as session:
        people = assignments.list_open_people(
            session, campaign_id, advisor, after, bureau.MAX_CEDULAS
        )
    if not people:
        return
    checks = _ask(dict(people))
    asker = trace.find_actor()
    with sessions(ROOM).begin() as session:
        risks.insert_checks(session, checks, asker.username if asker else advisor, "refresh")
        last = people[-1][0]
        outbox.add_job(session, "telemarketing.refresh_risks", campaign_id, advisor, last)


def _ask(cedulas: dict[int, str]) -> list[RiskCheck]:
    try:
        reports = bureau.shared_bureau().list_risks(list(cedulas.values()))
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
