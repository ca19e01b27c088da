"""When a call list is asked for: once for each audience, whatever comes first."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.telemarketing.models import Campaign
from shared import trace
from shared.contracts.campaign import AudienceCompleted, CampaignChanged, ExportFailed, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.telemarketing import CallListState
from shared.errors import Conflict, NotFound
from tests.databases import outbox_of
from tests.rooms.telemarketing.conftest import (
    CAMPAIGN,
    NOON,
    announce,
    brief,
    complete_audience,
)


def requests(sessions: Any) -> list[object]:
    """Campaigns whose call list was asked for, in order."""
    return [
        event["campaign_id"] for kind, event in outbox_of(sessions) if kind == "call_list_requested"
    ]


def test_a_new_audience_of_a_campaign_by_phone_is_asked_for(room: Any, sessions: Any) -> None:
    announce(room, Phase.DRAFT)
    assert requests(sessions) == []
    complete_audience(room)
    assert requests(sessions) == [CAMPAIGN]
    complete_audience(room, version=2)
    assert requests(sessions) == [CAMPAIGN, CAMPAIGN]


def test_the_audience_may_be_heard_of_first(room: Any, sessions: Any) -> None:
    complete_audience(room)
    assert requests(sessions) == []
    announce(room)
    announce(room, version=2)
    assert requests(sessions) == [CAMPAIGN]


def test_a_campaign_by_mail_has_no_list_until_it_is_called_too(room: Any, sessions: Any) -> None:
    announce(room, channels=[Channel.MAIL])
    complete_audience(room)
    assert requests(sessions) == []
    announce(room, version=2, channels=[Channel.MAIL, Channel.PHONE])
    assert requests(sessions) == [CAMPAIGN]


def test_an_older_version_that_comes_late_changes_nothing(room: Any, sessions: Any) -> None:
    announce(room, Phase.PAUSED, version=3)
    announce(room, Phase.EXECUTING, version=2)
    with sessions() as session:
        assert session.get_one(Campaign, CAMPAIGN).phase == Phase.PAUSED


def test_the_same_event_twice_acts_once(room: Any, sessions: Any) -> None:
    audience = AudienceCompleted(campaign_id=CAMPAIGN, audience_id=uuid4(), version=1, rows=1)
    changed = CampaignChanged(campaign=brief(), version=1)
    ids = uuid4(), uuid4()
    for _ in range(2):
        room.on_campaign_changed(ids[0], changed)
        room.on_audience_completed(ids[1], audience)
    assert requests(sessions) == [CAMPAIGN]


def test_an_older_audience_that_comes_late_is_not_asked_for(room: Any, sessions: Any) -> None:
    announce(room)
    complete_audience(room, version=3)
    present = audience_of(sessions)
    complete_audience(room, version=2)
    assert requests(sessions) == [CAMPAIGN]
    assert audience_of(sessions) == present


def audience_of(sessions: Any) -> object:
    with sessions() as session:
        found = session.get_one(Campaign, CAMPAIGN)
        return found.audience_id, found.audience_version


# --- lists that do not come ---


def fail(room: Any, sessions: Any, reason: str = "El disco está lleno.") -> None:
    """campaign could not export the list that was asked for last."""
    asked = [event for kind, event in outbox_of(sessions) if kind == "call_list_requested"]
    event = ExportFailed(transfer_id=asked[-1]["transfer_id"], campaign_id=CAMPAIGN, reason=reason)
    room.on_export_failed(uuid4(), event)


def test_a_list_that_cannot_be_exported_fails_with_the_reason(room: Any, sessions: Any) -> None:
    with pytest.raises(NotFound):
        room.get_call_list(CAMPAIGN)
    announce(room)
    complete_audience(room)
    loading = room.get_call_list(CAMPAIGN)
    assert (loading.state, loading.error, loading.ended_at) == (CallListState.LOADING, None, None)
    assert loading.requested_at == NOON
    fail(room, sessions)
    failed = room.get_call_list(CAMPAIGN)
    assert (failed.state, failed.error) == (CallListState.FAILED, "El disco está lleno.")
    assert failed.ended_at == NOON


def test_an_export_of_somebody_else_is_none_of_ours(room: Any, sessions: Any) -> None:
    announce(room)
    complete_audience(room)
    event = ExportFailed(transfer_id=uuid4(), campaign_id=CAMPAIGN, reason="No.")
    room.on_export_failed(uuid4(), event)
    assert room.get_call_list(CAMPAIGN).state is CallListState.LOADING


def test_a_list_that_failed_is_asked_for_again(room: Any, sessions: Any) -> None:
    announce(room)
    complete_audience(room)
    fail(room, sessions)
    announce(room, version=2)
    assert requests(sessions) == [CAMPAIGN]  # not by itself
    again = room.request_call_list(CAMPAIGN)
    assert (again.state, again.campaign_id) == (CallListState.LOADING, CAMPAIGN)
    assert requests(sessions) == [CAMPAIGN, CAMPAIGN]
    assert room.get_call_list(CAMPAIGN) == again


def test_a_list_on_its_way_is_not_asked_for_again_until_patience_ends(
    room: Any, sessions: Any, time: Any
) -> None:
    announce(room)
    complete_audience(room)
    time.now += timedelta(minutes=14, seconds=59)
    with pytest.raises(Conflict, match="ya está en camino"):
        room.request_call_list(CAMPAIGN)
    assert requests(sessions) == [CAMPAIGN]
    time.now += timedelta(seconds=1)
    room.request_call_list(CAMPAIGN)
    assert requests(sessions) == [CAMPAIGN, CAMPAIGN]


def test_there_must_be_something_to_ask_for(room: Any, sessions: Any) -> None:
    with pytest.raises(NotFound):
        room.request_call_list(CAMPAIGN)
    announce(room)
    with pytest.raises(Conflict, match="todavía no tiene público"):
        room.request_call_list(CAMPAIGN)
    announce(room, version=2, channels=[Channel.MAIL])
    complete_audience(room)
    with pytest.raises(Conflict, match="no se llama por teléfono"):
        room.request_call_list(CAMPAIGN)
    assert requests(sessions) == []


def test_asking_twice_with_one_key_asks_once(room: Any, sessions: Any) -> None:
    announce(room)
    complete_audience(room)
    fail(room, sessions)
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        assert room.request_call_list(CAMPAIGN) == room.request_call_list(CAMPAIGN)
    assert requests(sessions) == [CAMPAIGN, CAMPAIGN]
