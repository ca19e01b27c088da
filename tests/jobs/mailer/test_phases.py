"""Nothing is sent for a campaign that is paused, closing, finished or cancelled."""

from datetime import timedelta

import pytest

from services.mailer import campaigns, jobs, mailings
from shared import clock
from shared.contracts.campaign import CampaignBrief, CampaignChanged, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState
from tests.jobs.mailer.conftest import Mailer, Once, Post, people

HOLDING = [Phase.PAUSED, Phase.CLOSING, Phase.FINISHED, Phase.CANCELLED]


def hear(mailer: Mailer, phase: Phase, version: int = 1, *, follow: bool = True) -> None:
    """As the door does; without `follow` only the phase is kept, as if a run came in between."""
    brief = CampaignBrief(
        campaign_id=1,
        name="Fibra",
        phase=phase,
        channels=[Channel.MAIL],
        design_id=1,
        mail_subject="",
        script="",
    )
    with mailer.sessions.begin() as session:
        event = CampaignChanged(campaign=brief, version=version)
        assert campaigns.follow_campaign(session, event)
        for mailing in mailings.claim_open_of_campaign(session, 1) if follow else []:
            mailings.follow(session, mailing, phase)


@pytest.mark.parametrize("phase", HOLDING)
def test_a_phase_heard_while_mails_go_out_stops_all_but_the_one_in_flight(
    mailer: Mailer, post: Post, phase: Phase
) -> None:
    post.on_mail = Once(5, lambda: hear(mailer, phase))
    run = mailer.create(people(50))
    mailer.drain()
    mailer.wait()
    assert len(post.got) == 5
    shown = mailer.shown(run)
    paused = phase is Phase.PAUSED
    assert shown.state is (MailingState.PAUSED if paused else MailingState.CANCELLED)
    assert (shown.pending, shown.cancelled) == ((45, 0) if paused else (0, 45))


@pytest.mark.parametrize("phase", HOLDING)
def test_a_run_that_says_it_sends_does_not_for_such_a_campaign(
    mailer: Mailer, post: Post, phase: Phase
) -> None:
    post.on_mail = Once(5, lambda: hear(mailer, phase, follow=False))
    run = mailer.create(people(50))
    mailer.drain()
    mailer.wait()
    assert len(post.got) == 5
    assert mailer.shown(run).state is MailingState.SENDING
    hear(mailer, Phase.EXECUTING, 2)
    mailer.wait()
    assert mailer.shown(run).sent == 50


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        (Phase.PAUSED, MailingState.PAUSED),
        (Phase.CLOSING, MailingState.PAUSED),
        (Phase.FINISHED, MailingState.CANCELLED),
        (Phase.CANCELLED, MailingState.CANCELLED),
    ],
)
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_run_that_is_to_start_then_does_not(
    mailer: Mailer, post: Post, phase: Phase, state: MailingState, scheduled: bool
) -> None:
    send_at = clock.now() + timedelta(hours=1) if scheduled else None
    run = mailer.create(people(3), send_at=send_at)
    if scheduled:
        mailer.drain()
        mailer.execute("UPDATE mailing SET send_at = now() - interval '1 second'")
    hear(mailer, phase, follow=False)
    mailer.wait()
    assert mailer.shown(run).state is state
    assert post.got == []
    assert mailer.shown(run).cancelled == (3 if state is MailingState.CANCELLED else 0)
    if state is MailingState.PAUSED:
        hear(mailer, Phase.EXECUTING, 2)
        mailer.wait()
        assert mailer.shown(run).sent == 3


@pytest.mark.parametrize("phase", [Phase.DRAFT, Phase.PLANNED, Phase.EXECUTING])
def test_what_was_heard_of_earlier_phases_holds_nobody(
    mailer: Mailer, post: Post, phase: Phase
) -> None:
    hear(mailer, phase)
    run = mailer.create(people(3))
    mailer.drain()
    assert mailer.shown(run).sent == 3


def test_a_held_run_is_no_work_for_senders(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute("DELETE FROM outbox WHERE task IS NOT NULL")
    hear(mailer, Phase.PAUSED, follow=False)
    jobs.start_sending(run)
    with mailer.sessions() as session:
        assert (
            session.connection()
            .exec_driver_sql("SELECT count(*) FROM outbox WHERE task IS NOT NULL")
            .scalar()
            == 0
        )
