"""Call lists on their way in: chunks in any order, twice, and refreshes that lose nothing."""

import random
import zlib
from typing import Any
from uuid import UUID, uuid4

import pytest
import zstandard
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import call_lists, campaigns, jobs
from services.telemarketing.models import CallListRow, Campaign, Target
from shared.contracts.campaign import CALL_LIST_COLUMNS, CampaignBrief, Phase
from shared.contracts.customer_query import Channel
from shared.transfer import Chunk
from tests.databases import outbox_of

CAMPAIGN = 7


@pytest.fixture
def sessions(database: Any) -> sessionmaker[Session]:
    """The emptied database with one campaign by phone."""
    found: sessionmaker[Session] = database("telemarketing")
    brief = CampaignBrief(
        campaign_id=CAMPAIGN,
        name="Fibra",
        phase=Phase.EXECUTING,
        channels=[Channel.PHONE],
        design_id=None,
        mail_subject="",
        script="",
    )
    with found.begin() as session:
        campaigns.set_brief(session, brief, 1)
    return found


def request(sessions: sessionmaker[Session]) -> UUID:
    """A new audience's call list is expected."""
    with sessions.begin() as session:
        version = session.get_one(Campaign, CAMPAIGN).audience_version + 1
        found = campaigns.set_audience(session, CAMPAIGN, uuid4(), version)
        return call_lists.insert_call_list(session, found).transfer_id


def chunks(
    transfer_id: UUID,
    people: dict[int, str | None],
    size: int = 2,
    attempt: int = 1,
    version: int = 1,
) -> list[dict[str, Any]]:
    """The people and their phones as the exporter sends them."""
    lines = [_line(transfer_id, number, phone, version) for number, phone in people.items()]
    parts = [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    pack = zstandard.ZstdCompressor().compress
    found = [
        Chunk(str(transfer_id), attempt, number, part.count(b"\n"), zlib.crc32(part), pack(part))
        for number, part in enumerate(parts)
    ]
    total = sum(chunk.checksum for chunk in found)
    last = Chunk(str(transfer_id), attempt, len(found), len(lines), total, last=True)
    return [chunk.to_wire() for chunk in (*found, last)]


def _line(transfer_id: UUID, number: int, phone: str | None, version: int) -> bytes:
    values = dict.fromkeys(CALL_LIST_COLUMNS, "\\N") | {
        "transfer_id": str(transfer_id),
        "campaign_id": str(CAMPAIGN),
        "customer_id": str(number),
        "cedula": f"17{number:08}",
        "first_names": "Rosa",
        "last_names": f"Mora {number}",
        "phone": phone or "\\N",
        "contact_version": str(version),
    }
    return ("\t".join(values.values()) + "\n").encode()


def load(sessions: sessionmaker[Session], sent: list[dict[str, Any]]) -> None:
    """Run the chunk jobs, and the merge they hand over."""
    before = len(outbox_of(sessions))
    for chunk in sent:
        jobs.load_call_list_chunk.run(chunk)
    for name, payload in outbox_of(sessions)[before:]:
        assert name == "telemarketing.merge_call_list"
        assert payload["arguments"] == [sent[0]["transfer_id"]]
        jobs.merge_call_list.run(sent[0]["transfer_id"])


def phones(sessions: sessionmaker[Session]) -> dict[int, str | None]:
    with sessions() as session:
        return dict(session.execute(select(Target.customer_id, Target.phone)).all())


def test_chunks_in_any_order_and_twice_make_each_person_once(
    sessions: sessionmaker[Session],
) -> None:
    people: dict[int, str | None] = {number: f"+5939{number}" for number in range(1, 12)}
    sent = chunks(request(sessions), people) * 2
    random.Random(4).shuffle(sent)
    load(sessions, sent)
    assert phones(sessions) == people
    with sessions() as session:
        assert session.get_one(Campaign, CAMPAIGN).listed_at is not None
        assert session.scalar(select(func.count()).select_from(CallListRow)) == 0


def test_nothing_is_merged_before_all_is_there(sessions: sessionmaker[Session]) -> None:
    sent = chunks(request(sessions), {1: "a", 2: "b", 3: "c"})
    load(sessions, [sent[0], sent[2]])
    assert phones(sessions) == {}
    load(sessions, [sent[1]])
    assert phones(sessions) == {1: "a", 2: "b", 3: "c"}


def test_a_second_attempt_replaces_what_the_first_one_sent(
    sessions: sessionmaker[Session],
) -> None:
    transfer_id = request(sessions)
    first = chunks(transfer_id, {1: "old", 2: "old", 3: "old"})
    second = chunks(transfer_id, {1: "new", 3: "new"}, attempt=2)
    load(sessions, [first[0], *second, *first])
    assert phones(sessions) == {1: "new", 3: "new"}


def test_a_refresh_keeps_assignments_and_results_and_brings_new_data(
    sessions: sessionmaker[Session],
) -> None:
    load(sessions, chunks(request(sessions), {1: "a", 2: "b", 3: "c", 4: "d"}))
    with sessions.begin() as session:
        mine = update(Target).where(Target.customer_id.in_([1, 2]))
        session.execute(mine.values(advisor="ana", state="done", attempts=3))
        session.execute(update(Target).filter_by(customer_id=3).values(attempts=1))
    load(sessions, chunks(request(sessions), {1: "A", 5: "e"}))
    assert phones(sessions) == {1: "A", 2: "b", 3: "c", 5: "e"}
    with sessions() as session:
        kept = session.get_one(Target, (CAMPAIGN, 1))
        assert (kept.advisor, kept.state, kept.attempts) == ("ana", "done", 3)


def test_merging_again_changes_nothing(sessions: sessionmaker[Session]) -> None:
    transfer_id = request(sessions)
    load(sessions, chunks(transfer_id, {1: "a"}))
    load(sessions, chunks(request(sessions), {2: "b"}))
    jobs.merge_call_list.run(str(transfer_id))
    assert phones(sessions) == {2: "b"}


def test_an_older_list_that_comes_late_never_wins(sessions: sessionmaker[Session]) -> None:
    older, newer = request(sessions), request(sessions)
    load(sessions, chunks(newer, {2: "b"}))
    load(sessions, chunks(older, {1: "a"}))
    assert phones(sessions) == {2: "b"}
