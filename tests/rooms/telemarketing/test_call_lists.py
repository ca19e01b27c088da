"""When a call list is asked for: once for each audience, whatever comes first."""

from typing import Any
from uuid import uuid4

from services.telemarketing.models import Campaign
from shared.contracts.campaign import AudienceCompleted, CampaignChanged, Phase
from shared.contracts.customer_query import Channel
from tests.databases import outbox_of
from tests.rooms.telemarketing.conftest import CAMPAIGN, announce, brief, complete_audience


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
