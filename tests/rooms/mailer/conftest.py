"""mailer's doors on the real database; campaign and customer_query answer from a list."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session, sessionmaker

from services.mailer import builtin
from services.mailer.models import Mailing, Recipient
from shared.contract import Procedure
from shared.contracts import campaign, customer_query
from shared.contracts.mailer import NewMailing
from shared.errors import NotFound

CAMPAIGN = 3


@pytest.fixture
def sessions(database: Callable[[str], sessionmaker[Session]]) -> sessionmaker[Session]:
    """The room's database with the built-in designs."""
    found = database("mailer")
    with found.begin() as session:
        builtin.seed(session)
    return found


class Neighbours:
    """What the other rooms know; answers go through their contracts as they would on the wire."""

    def __init__(self) -> None:
        self.campaigns: dict[int, campaign.Campaign] = {}
        self.customers: dict[int, customer_query.Customer] = {}

    def add_campaign(self, campaign_id: int = CAMPAIGN, **values: Any) -> None:
        """A campaign in execution, unless `values` say otherwise."""
        self.campaigns[campaign_id] = campaign.Campaign.model_validate(
            _CAMPAIGN | {"id": campaign_id} | values
        )

    def __call__(self, procedure: Procedure[..., Any], *args: Any, **kwargs: Any) -> Any:
        arguments = procedure.decode_arguments(procedure.encode_arguments(*args, **kwargs))
        (key,) = arguments.values()
        known: Mapping[int, Any] = (
            self.campaigns if procedure.name == "get_campaign" else self.customers
        )
        if key not in known:
            raise NotFound("No existe.")
        return procedure.decode_reply(procedure.encode_reply(known[key]))


_CAMPAIGN: dict[str, Any] = {
    "name": "Fibra",
    "goal": "",
    "channels": ["mail"],
    "definition": {"all": []},
    "segment_summary": "",
    "budget": Decimal(1),
    "expected_revenue": Decimal(1),
    "starts_on": None,
    "ends_on": None,
    "control_share": 0,
    "design_id": 1,
    "mail_subject": "",
    "script": "",
    "phase": "executing",
    "next_phases": [],
    "version": 1,
    "owner": "jefe",
    "created_at": datetime(2026, 11, 1, tzinfo=UTC),
    "audience": {
        "state": "ready",
        "expected": 1,
        "transferred": 1,
        "control": 0,
        "reachable_mail": 1,
        "reachable_phone": 1,
        "blocked_mail": {},
        "blocked_phone": {},
        "updated_at": None,
    },
}


@pytest.fixture
def neighbours() -> Neighbours:
    """The other rooms, knowing one campaign."""
    found = Neighbours()
    found.add_campaign()
    return found


@pytest.fixture
def mailer(door: Any, sessions: sessionmaker[Session], neighbours: Neighbours) -> Any:
    """The doors."""
    service = door("mailer", sessions)
    service.ask.side_effect = neighbours
    return service


def add_run(sessions: sessionmaker[Session], states: Mapping[str, int], **values: Any) -> int:
    """A run with so many rows per state."""
    row = {
        "transfer_id": uuid4(),
        "campaign_id": CAMPAIGN,
        "campaign_name": "Fibra",
        "kind": "on_demand",
        "design_id": 1,
        "design_name": "Oferta",
        "subject": "Hola",
        "created_by": "jefe",
        "state": "finished",
        "target": sum(states.values()),
    } | values
    flat = [state for state, count in states.items() for _ in range(count)]
    with sessions.begin() as session:
        mailing = session.execute(insert(Mailing).values(row).returning(Mailing.id)).scalar_one()
        if flat:
            rows = [_recipient(row["transfer_id"], n, state) for n, state in enumerate(flat, 1)]
            session.execute(insert(Recipient), rows)
    return int(mailing)


def _recipient(transfer_id: Any, customer_id: int, state: str) -> dict[str, Any]:
    return {
        "transfer_id": transfer_id,
        "customer_id": customer_id,
        "cedula": "1710034065",
        "first_names": "Ana",
        "last_names": "Mora",
        "birth_on": date(1990, 1, 1),
        "email": f"c{customer_id}@correo.example",
        "state": state,
        "reason": "no_consent" if state == "skipped" else None,
        "reported": True,
    }


def count(sessions: sessionmaker[Session], query: str, **values: Any) -> int:
    """A figure of the stored state."""
    with sessions() as session:
        return int(session.execute(text(query), values).scalar_one())


NEW = NewMailing(campaign_id=CAMPAIGN)
