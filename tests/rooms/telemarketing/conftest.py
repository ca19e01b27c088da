"""A campaign's call list as the events and chunks of the real way would leave it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing.bureau import Bureau
from services.telemarketing.models import Campaign, Target
from shared import clock, trace
from shared.contract import Page
from shared.contracts import identity
from shared.contracts.campaign import AudienceCompleted, CampaignBrief, CampaignChanged, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.telemarketing import CallPermission, NewAssignment, Strategy
from shared.settings import settings
from tests.make.actors import make_actor

CAMPAIGN = 7
ADVISORS = ("ana", "berta", "carlos")
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)  # in Guayaquil


class Clock:
    """A time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Noon, so that people may be called."""
    stopped = Clock()
    monkeypatch.setattr(clock, "now", stopped)
    return stopped


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the calling hours."""

    def set_hours(text: str) -> None:
        monkeypatch.setenv("PREGON_CALLING_HOURS", text)
        settings.cache_clear()

    yield set_hours
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def sessions(database: Any) -> sessionmaker[Session]:
    """The room's emptied database."""
    found: sessionmaker[Session] = database("telemarketing")
    return found


@pytest.fixture
def room(door: Any, sessions: sessionmaker[Session]) -> Any:
    """The doors, with identity knowing three advisors."""
    service = door("telemarketing", sessions, bureau=Bureau())
    service.ask.side_effect = _answer
    return service


def _answer(procedure: Any, **arguments: Any) -> Page[identity.User]:
    """Checked against the contract on the way in, as the real call would be."""
    assert procedure is identity.list_users
    assert procedure.encode_arguments(**arguments)["permission"] == CallPermission.WORK
    return Page(items=[_advisor(number, name) for number, name in enumerate(ADVISORS, start=1)])


def _advisor(number: int, name: str) -> identity.User:
    return identity.User(
        id=number,
        username=name,
        full_name=name.title(),
        role=identity.Role.ADVISOR,
        role_name="Asesor",
        active=name != "carlos",
        last_login_at=None,
        version=1,
    )


def brief(phase: Phase = Phase.EXECUTING, **values: Any) -> CampaignBrief:
    return CampaignBrief(
        **{
            "campaign_id": CAMPAIGN,
            "name": "Fibra",
            "phase": phase,
            "channels": [Channel.PHONE],
            "design_id": None,
            "mail_subject": "",
            "script": "Buenos días, {nombre}. Le saluda {asesor}.",
        }
        | values
    )


def announce(room: Any, phase: Phase = Phase.EXECUTING, version: int = 1, **values: Any) -> None:
    """The campaign says how it is."""
    event = CampaignChanged(campaign=brief(phase, **values), version=version)
    room.on_campaign_changed(uuid4(), event)


def complete_audience(room: Any, campaign_id: int = CAMPAIGN, version: int = 1) -> None:
    """The campaign has a new audience."""
    event = AudienceCompleted(campaign_id=campaign_id, audience_id=uuid4(), version=version, rows=1)
    room.on_audience_completed(uuid4(), event)


def add_people(
    sessions: sessionmaker[Session], count: int, campaign_id: int = CAMPAIGN, **values: Any
) -> None:
    """People from customer 1 on, in the call list."""
    rows = [
        {
            "campaign_id": campaign_id,
            "customer_id": number,
            "cedula": f"17{number:08}",
            "first_names": "Rosa",
            "last_names": f"Mora {number}",
            "province": "17" if number % 2 else "09",
            "phone": f"+59399{number:07}",
            "next_at": NOON,
        }
        | values
        for number in range(1, count + 1)
    ]
    with sessions.begin() as session:
        session.execute(insert(Target), rows)


@pytest.fixture
def campaign(room: Any, sessions: sessionmaker[Session]) -> int:
    """A campaign in execution with a call list of ten."""
    announce(room)
    with sessions.begin() as session:
        session.get_one(Campaign, CAMPAIGN).listed_at = NOON
    add_people(sessions, 10)
    return CAMPAIGN


def assign(room: Any, count: int, *advisors: str, strategy: Strategy = Strategy.EQUAL) -> Any:
    new = NewAssignment(advisors=list(advisors or ("ana",)), per_advisor=count, strategy=strategy)
    return room.assign_customers(CAMPAIGN, new)


def acting(username: str, role: str = "advisor") -> AbstractContextManager[None]:
    """As this user; a supervisor leads all three."""
    team = ADVISORS if role == "supervisor" else ()
    return trace.use(actor=make_actor(username, role, full_name=username.title(), team=team))


def leading(*team: str) -> AbstractContextManager[None]:
    """As a supervisor of these."""
    return trace.use(actor=make_actor("sara", "supervisor", team=team))


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """In threads of the server: each has a connection, and the server decides."""
    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result(60) for future in [threads.submit(work) for work in works]]
