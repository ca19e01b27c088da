"""A campaign by phone, and its call lists as the exporter sends them."""

import zlib
from typing import Any
from uuid import UUID, uuid4

import pytest
import zstandard
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import call_lists, campaigns, jobs
from services.telemarketing.models import CallList, Campaign, Target
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
        campaigns.follow_campaign(session, brief, 1)
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
    **more: str,
) -> list[dict[str, Any]]:
    """The people and their phones as the exporter sends them."""
    lines = [_line(transfer_id, number, phone, more) for number, phone in people.items()]
    parts = [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    pack = zstandard.ZstdCompressor().compress
    found = [
        Chunk(str(transfer_id), attempt, number, part.count(b"\n"), zlib.crc32(part), pack(part))
        for number, part in enumerate(parts)
    ]
    total = sum(chunk.checksum for chunk in found)
    last = Chunk(str(transfer_id), attempt, len(found), len(lines), total, last=True)
    return [chunk.to_wire() for chunk in (*found, last)]


def _line(transfer_id: UUID, number: int, phone: str | None, more: dict[str, str]) -> bytes:
    values = dict.fromkeys(CALL_LIST_COLUMNS, "\\N") | {
        "transfer_id": str(transfer_id),
        "campaign_id": str(CAMPAIGN),
        "customer_id": str(number),
        "cedula": f"17{number:08}",
        "first_names": "Rosa",
        "last_names": f"Mora {number}",
        "phone": phone or "\\N",
        "contact_version": "1",
    }
    return ("\t".join((values | more).values()) + "\n").encode()


def send(sessions: sessionmaker[Session], sent: list[dict[str, Any]]) -> list[str]:
    """Run the chunk jobs; gives back the lists whose merge they hand over."""
    before = len(outbox_of(sessions))
    for chunk in sent:
        jobs.load_call_list_chunk.run(chunk)
    after = outbox_of(sessions)[before:]
    assert {name for name, _ in after} <= {"telemarketing.merge_call_list"}
    return [payload["arguments"][0] for _, payload in after]


def load(sessions: sessionmaker[Session], sent: list[dict[str, Any]]) -> None:
    """Run the chunk jobs, and the merge they hand over."""
    for transfer_id in send(sessions, sent):
        assert transfer_id == sent[0]["transfer_id"]
        jobs.merge_call_list.run(transfer_id)


def list_of(sessions: sessionmaker[Session], transfer_id: UUID) -> CallList:
    """The list as it stands."""
    with sessions() as session:
        return session.get_one(CallList, transfer_id)


def phones(sessions: sessionmaker[Session]) -> dict[int, str | None]:
    """Who is on the campaign's list, and their number."""
    with sessions() as session:
        return dict(session.execute(select(Target.customer_id, Target.phone)).all())
