"""An exported segment on its way into a campaign's audience, chunk by chunk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import zstandard
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from services.campaign import audience, store
from services.campaign.models import Campaign, Member
from services.customer_query.segment_sql import select_audience
from shared import transfer
from shared.contracts import campaign as contract
from shared.contracts.segments import parse
from shared.transfer import Chunk
from tests.make.people import insert_people

Sessions = sessionmaker[Session]
EVERYBODY: dict[str, Any] = {"all": []}


@pytest.fixture
def rooms(
    database: Callable[[str], Sessions], monkeypatch: pytest.MonkeyPatch
) -> tuple[Sessions, Sessions]:
    """customer_query's and campaign's empty databases; chunks are of a few people."""
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1500)
    return database("customer_query"), database("campaign")


@dataclass
class Transfers:
    """Both ends of transfers."""

    people: Sessions
    campaigns: Sessions

    def add_people(self, count: int, seed: int = 1) -> None:
        """Customers of customer_query."""
        with self.people.begin() as session:
            insert_people(session, count, seed)

    def add_campaign(self, control_share: float = 0) -> int:
        """A draft."""
        values = {
            "name": "Fibra",
            "goal": "",
            "channels": ["mail"],
            "definition": EVERYBODY,
            "segment_summary": "Todos los clientes",
            "budget": 0,
            "expected_revenue": 0,
            "control_share": control_share,
            "mail_subject": "",
            "script": "",
            "phase": contract.Phase.DRAFT,
            "owner": "jefe",
        }
        with self.campaigns.begin() as session:
            return store.insert_campaign(session, values).id

    def request(self, campaign_id: int) -> UUID:
        """An edition that expects its rows."""
        with self.campaigns.begin() as session:
            return audience.insert_audience(session, campaign_id)

    def export(self, audience_id: UUID, attempt: int = 1) -> list[Chunk]:
        """The chunks of everybody, the closing one last."""
        chunks: list[Chunk] = []
        with self.people.begin() as session:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            cutter = transfer.Cutter(audience_id, attempt, chunks.append)
            query = select_audience(audience_id, parse(EVERYBODY))
            transfer.export(session, query, cutter)
        return chunks

    def members(self, audience_id: UUID) -> dict[int, Member]:
        """The edition's people by customer."""
        with self.campaigns() as session:
            found = session.execute(select(Member).filter_by(audience_id=audience_id)).scalars()
            return {member.customer_id: member for member in found}

    def status(self, campaign_id: int) -> contract.Audience:
        """As the page shows it."""
        with self.campaigns() as session:
            return audience.get_status(session, campaign_id)

    def campaign(self, campaign_id: int) -> Campaign:
        """As it stands."""
        with self.campaigns() as session:
            return store.get_campaign(session, campaign_id)


@pytest.fixture
def transfers(rooms: tuple[Sessions, Sessions]) -> Transfers:
    """Transfers between the two empty databases."""
    return Transfers(*rooms)


@pytest.fixture
def lines_of() -> Callable[[Chunk], list[list[str]]]:
    """A chunk's rows as PostgreSQL's text format has them."""

    def read(chunk: Chunk) -> list[list[str]]:
        data = zstandard.ZstdDecompressor().decompress(chunk.data)
        return [line.split("\t") for line in data.decode().splitlines()]

    return read
