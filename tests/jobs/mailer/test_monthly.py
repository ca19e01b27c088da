"""The monthly run by the clock: once a month for each campaign, whoever starts it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.mailer import campaigns, jobs, mailings, monthly
from shared import clock
from shared.contracts.campaign import CampaignBrief, CampaignChanged, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MonthlySchedule
from tests.jobs.mailer.conftest import Mailer

At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Hold the clock."""

    def hold(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return hold


def campaign(campaign_id: int, phase: Phase = Phase.EXECUTING, **values: object) -> CampaignChanged:
    brief = {
        "campaign_id": campaign_id,
        "name": f"Campaña {campaign_id}",
        "phase": phase,
        "channels": [Channel.MAIL],
        "design_id": 1,
        "mail_subject": "",
        "script": "",
    }
    return CampaignChanged(campaign=CampaignBrief.model_validate(brief | values), version=1)


@pytest.fixture
def selected(mailer: Mailer) -> Mailer:
    """Four selected campaigns of which one can be mailed, on day 5 at 9."""
    with mailer.sessions.begin() as session:
        for event in (
            campaign(1),
            campaign(2, Phase.PAUSED),
            campaign(3, channels=[Channel.PHONE]),
            campaign(4, design_id=None),
            campaign(5),
        ):
            campaigns.follow_campaign(session, event)
        schedule = MonthlySchedule(day=5, hour=9, campaign_ids=[1, 2, 3, 4])
        monthly.set_schedule(session, schedule)
    return mailer


def runs(mailer: Mailer) -> list[tuple[int, str | None]]:
    with mailer.sessions() as session:
        found = mailings.list_mailings(session, None, None, 50)
        return [(mailing.campaign_id, mailing.month) for mailing in found.rows]


def test_nothing_happens_before_the_hour(selected: Mailer, at: At) -> None:
    at(datetime(2026, 11, 5, 13, 59, tzinfo=UTC))  # 8:59 in Guayaquil
    jobs.run_monthly_schedule.run()
    assert runs(selected) == []


def test_the_hour_starts_selected_executing_campaigns_with_a_fresh_audience(
    selected: Mailer, at: At
) -> None:
    at(datetime(2026, 11, 5, 14, 0, tzinfo=UTC))
    jobs.run_monthly_schedule.run()
    assert runs(selected) == [(1, "2026-11")]
    (event,) = selected.events("recipients_requested")
    assert (event["campaign_id"], event["refresh"]) == (1, True)


def test_again_in_the_same_month_does_nothing_and_the_next_month_does(
    selected: Mailer, at: At
) -> None:
    for moment in (
        datetime(2026, 11, 5, 14, 0, tzinfo=UTC),
        datetime(2026, 11, 5, 14, 10, tzinfo=UTC),
        datetime(2026, 11, 28, 14, 10, tzinfo=UTC),
        datetime(2026, 12, 4, 14, 0, tzinfo=UTC),
    ):
        at(moment)
        jobs.run_monthly_schedule.run()
    assert runs(selected) == [(1, "2026-11")]
    at(datetime(2026, 12, 9, 3, 0, tzinfo=UTC))  # the machine was off on the 5th
    jobs.run_monthly_schedule.run()
    assert runs(selected) == [(1, "2026-12"), (1, "2026-11")]


def test_the_month_is_ecuadors(selected: Mailer, at: At) -> None:
    at(datetime(2026, 12, 1, 3, 0, tzinfo=UTC))  # the 30th of November, 22:00 in Guayaquil
    jobs.run_monthly_schedule.run()
    assert runs(selected) == [(1, "2026-11")]


def test_two_beats_at_once_start_it_once(selected: Mailer, at: At) -> None:
    at(datetime(2026, 11, 5, 14, 0, tzinfo=UTC))
    with ThreadPoolExecutor(8) as pool:
        for job in [pool.submit(jobs.run_monthly_schedule.run) for _ in range(8)]:
            job.result()
    assert runs(selected) == [(1, "2026-11")]
    assert len(selected.events("recipients_requested")) == 1


def test_a_deleted_design_does_not_stop_the_other_campaigns(selected: Mailer, at: At) -> None:
    with selected.sessions.begin() as session:
        campaigns.follow_campaign(session, campaign(6, design_id=999))
        schedule = MonthlySchedule(day=5, hour=9, campaign_ids=[6, 1])
        monthly.set_schedule(session, schedule)
    at(datetime(2026, 11, 5, 14, 0, tzinfo=UTC))
    jobs.run_monthly_schedule.run()
    assert runs(selected) == [(1, "2026-11")]
