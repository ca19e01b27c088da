"""campaign's doors on its empty database, the other rooms answering from the test."""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from services.campaign import audience
from services.campaign.models import Member
from shared import clock, transfer
from shared.contract import Procedure
from shared.contracts import campaign as contract
from shared.contracts import customer_query, mailer
from shared.contracts.segments import dump
from shared.errors import NotFound
from shared.tables import TransferChunk
from shared.transfer import Chunk

Sessions = sessionmaker[Session]
EVERYBODY: dict[str, Any] = {"all": []}


class OtherRooms:
    """Answers by procedure; arguments and replies pass the contract both ways."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[..., Any]] = {
            customer_query.describe_segment.name: lambda definition: f"Segmento {dump(definition)}",
            mailer.get_design.name: _find_design,
        }

    def __call__(self, procedure: Procedure[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As `Ask` does."""
        payload = procedure.encode_arguments(*args, **kwargs)
        reply = self.answers[procedure.name](**procedure.decode_arguments(payload))
        return procedure.decode_reply(procedure.encode_reply(reply))


def _find_design(design_id: int) -> mailer.Design:
    if design_id != 1:
        raise NotFound("El diseño no existe.")
    return mailer.Design(
        id=1,
        name="Boletín",
        subject="",
        builtin=True,
        fields=[],
        size_bytes=1,
        test_error=None,
        updated_at=clock.now(),
    )


@pytest.fixture
def stored(database: Callable[[str], Sessions]) -> Sessions:
    """The empty database."""
    return database("campaign")


@pytest.fixture
def campaigns(stored: Sessions, door: Callable[..., Any]) -> Any:
    """The service."""
    return door("campaign", stored, ask=Mock(wraps=OtherRooms()))


def new_campaign(**changes: Any) -> contract.NewCampaign:
    """A campaign by phone over everybody."""
    usual: dict[str, Any] = {
        "name": "Fibra",
        "channels": ["phone"],
        "definition": EVERYBODY,
        "budget": "100",
    }
    return contract.NewCampaign(**usual | changes)


@pytest.fixture
def bring(stored: Sessions) -> Callable[..., UUID]:
    """`bring(campaign_id, people)`: the edition asked for last arrives with these people."""

    def arrive(campaign_id: int, people: list[dict[str, Any]]) -> UUID:
        with stored.begin() as session:
            edition = audience.find_latest(session, campaign_id)
            assert edition is not None
            for person in people:
                session.execute(insert(Member).values(audience_id=edition.id, **person))
            closing = Chunk(str(edition.id), 1, 1, len(people), 0, last=True)
            transfer.load_chunk(session, closing, NOTHING_TO_REMOVE)
            session.execute(
                insert(TransferChunk).values(
                    transfer_id=edition.id, number=0, rows=len(people), checksum=0
                )
            )
            transfer.complete(session, edition.id)
            audience.set_ready(session, edition.id, len(people))
            return edition.id

    return arrive


NOTHING_TO_REMOVE = transfer.Destination(Member.__tablename__, (), lambda _session, _id: None)


def person(number: int, **values: Any) -> dict[str, Any]:
    """A member of an audience."""
    usual = {
        "customer_id": number,
        "cedula": f"{number:010}",
        "first_names": "Ana",
        "last_names": f"Mora {number}",
    }
    return usual | values
