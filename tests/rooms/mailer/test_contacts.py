"""Unsubscription, and what the other rooms tell about people and campaigns."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.mailer import tokens
from shared import clock, trace
from shared.contracts.campaign import CampaignBrief, CampaignChanged, ExportFailed, Phase
from shared.contracts.customer_query import (
    Block,
    Channel,
    ContactState,
    ContactStatesChanged,
    CustomersErased,
)
from shared.contracts.mailer import Recipient
from shared.contracts.telemarketing import CallRecorded, CallResult
from shared.errors import NotFound
from shared.permissions import Role
from tests.databases import outbox_of
from tests.make.actors import make_actor
from tests.rooms.mailer.conftest import CAMPAIGN, add_run, count


def token(run: int, customer_id: int = 1) -> str:
    return tokens.sign(tokens.Link(run, customer_id))


def told(
    block: Block | None, customer_id: int = 1, version: int = 1, **values: Any
) -> ContactStatesChanged:
    state = {
        "customer_id": customer_id,
        "version": version,
        "email": "nuevo@correo.example",
        "phone": None,
        "mail_block": block,
        "phone_block": None,
    }
    return ContactStatesChanged(customers=[ContactState.model_validate(state | values)])


def changed(phase: Phase, version: int = 1) -> CampaignChanged:
    brief = CampaignBrief(
        campaign_id=CAMPAIGN,
        name="Fibra",
        phase=phase,
        channels=[Channel.MAIL],
        design_id=1,
        mail_subject="",
        script="",
    )
    return CampaignChanged(campaign=brief, version=version)


def test_looking_at_the_link_changes_nothing(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"sent": 1})
    shown = mailer.get_subscription(token(run))
    assert (shown.email, shown.campaign_name) == ("c…@correo.example", "Fibra")
    assert not shown.unsubscribed
    assert count(sessions, "SELECT count(*) FROM contact_state") == 0


def test_unsubscribing_stops_every_run_and_is_announced_once(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"sent": 1})
    other = add_run(sessions, {"pending": 2}, state="sending")
    for _ in range(2):
        assert mailer.unsubscribe(token(run)).unsubscribed
    (event,) = outbox_of(sessions)
    assert event[0] == "recipient_unsubscribed"
    assert (event[1]["customer_id"], event[1]["mailing_id"]) == (1, run)
    found = mailer.get_mailing(other)
    assert (found.pending, found.skipped) == (1, {"unsubscribed": 1})
    assert mailer.get_subscription(token(run)).unsubscribed


def test_a_tests_link_changes_nothing(mailer: Any, sessions: Any) -> None:
    shown = mailer.unsubscribe(tokens.sign(tokens.TEST))
    assert shown.test
    assert not shown.unsubscribed
    assert outbox_of(sessions) == []


def test_a_link_that_is_not_ours_is_not_found(mailer: Any) -> None:
    for door in (mailer.get_subscription, mailer.unsubscribe):
        with pytest.raises(NotFound):
            door("WzEsMV0.AAAA")


def test_a_state_that_knows_nothing_of_it_does_not_undo_an_unsubscription(
    mailer: Any, sessions: Any
) -> None:
    run = add_run(sessions, {"sent": 1})
    mailer.unsubscribe(token(run))
    mailer.on_contact_states_changed(uuid4(), told(None))
    assert mailer.get_subscription(token(run)).unsubscribed
    mailer.on_contact_states_changed(uuid4(), told(Block.DO_NOT_CONTACT, version=2))
    assert mailer.get_subscription(token(run)).unsubscribed
    mailer.on_contact_states_changed(uuid4(), told(None, version=3))
    assert not mailer.get_subscription(token(run)).unsubscribed


def recipients(mailer: Any, run: int) -> list[Recipient]:
    """Seen whole."""
    with trace.use(actor=make_actor("bea", Role.BACKOFFICE)):
        found: list[Recipient] = mailer.list_recipients(run).items
    return found


@pytest.mark.parametrize("late", [4, 5])
def test_an_older_state_never_overwrites_a_newer_one(mailer: Any, sessions: Any, late: int) -> None:
    run = add_run(sessions, {"pending": 2}, state="sending")
    newer = told(None, version=5, email="ultimo@correo.example")
    mailer.on_contact_states_changed(uuid4(), newer)
    mailer.on_contact_states_changed(
        uuid4(), told(None, version=late, email="viejo@correo.example")
    )
    mailer.on_contact_states_changed(uuid4(), told(Block.NO_CONSENT, version=late))
    row = recipients(mailer, run)[0]
    assert (row.state, row.email) == ("pending", "ultimo@correo.example")
    assert count(sessions, "SELECT version FROM contact_state WHERE mail_block IS NULL") == 5


def test_a_cap_that_was_remembered_holds_nobody(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"pending": 1}, state="sending")
    mailer.on_contact_states_changed(uuid4(), told(Block.OVER_CAP))
    assert mailer.get_mailing(run).pending == 1
    assert count(sessions, "SELECT count(*) FROM contact_state WHERE mail_block IS NULL") == 1


def test_a_withdrawn_consent_and_a_new_address_reach_what_is_pending(
    mailer: Any, sessions: Any
) -> None:
    run = add_run(sessions, {"pending": 3}, state="sending")
    mailer.on_contact_states_changed(uuid4(), told(Block.NO_CONSENT, 1))
    mailer.on_contact_states_changed(uuid4(), told(None, 2))
    mailer.on_contact_states_changed(uuid4(), told(None, 3, email=None))
    rows = {row.customer_id: row for row in recipients(mailer, run)}
    assert [(rows[n].state, rows[n].reason) for n in (1, 2, 3)] == [
        ("skipped", "no_consent"),
        ("pending", None),
        ("skipped", "no_address"),
    ]
    assert rows[2].email == "nuevo@correo.example"


def test_erased_people_are_blanked_and_still_count(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"sent": 1, "pending": 1}, state="sending")
    mailer.on_customers_erased(uuid4(), CustomersErased(customer_ids=[1, 2]))
    rows = recipients(mailer, run)
    assert {(row.full_name, row.email) for row in rows} == {("", None)}
    found = mailer.get_mailing(run)
    assert (found.target, found.sent, found.skipped) == (2, 1, {"do_not_contact": 1})


def test_no_address_of_who_was_erased_is_kept_nor_heard_again(mailer: Any, sessions: Any) -> None:
    mailer.on_contact_states_changed(uuid4(), told(None, 1))
    mailer.on_contact_states_changed(uuid4(), told(None, 2))
    mailer.on_customers_erased(uuid4(), CustomersErased(customer_ids=[1, 3]))
    for late in (1, 3):
        mailer.on_contact_states_changed(uuid4(), told(None, late, version=9))
    addresses = "SELECT count(*) FROM contact_state WHERE email IS NOT NULL"
    assert count(sessions, addresses) == 1
    assert count(sessions, f"{addresses} AND customer_id = 2") == 1


def test_calls_that_reached_somebody_count_for_the_cap_once(mailer: Any, sessions: Any) -> None:
    event_id = UUID(int=7)
    for contacted, key in ((True, event_id), (True, event_id), (False, uuid4())):
        mailer.on_call_recorded(key, call(contacted=contacted))
    assert count(sessions, "SELECT count(*) FROM contact WHERE customer_id = 1") == 1


def test_a_paused_campaign_pauses_its_runs_and_takes_them_along_again(
    mailer: Any, sessions: Any
) -> None:
    later = clock.now() + timedelta(hours=1)
    runs = {
        "sending": add_run(sessions, {"pending": 1}, state="sending"),
        "scheduled": add_run(sessions, {"pending": 1}, state="scheduled", send_at=later),
        "preparing": add_run(sessions, {}, state="preparing", target=None),
        "finished": add_run(sessions, {"sent": 1}),
    }
    other = add_run(sessions, {"pending": 1}, state="sending", campaign_id=8)
    mailer.on_campaign_changed(uuid4(), changed(Phase.PAUSED))
    assert {name: mailer.get_mailing(run).state for name, run in runs.items()} == {
        "sending": "paused",
        "scheduled": "paused",
        "preparing": "preparing",
        "finished": "finished",
    }
    assert mailer.get_mailing(other).state == "sending"
    assert "continúa cuando ella" in mailer.get_mailing(runs["sending"]).error
    mailer.on_campaign_changed(uuid4(), changed(Phase.EXECUTING, 2))
    assert mailer.get_mailing(runs["sending"]).error is None
    assert {name: mailer.get_mailing(run).state for name, run in runs.items()} == {
        name: name for name in runs
    }
    jobs = [payload for name, payload in outbox_of(sessions) if name == "mailer.start_sending"]
    assert jobs == [{"arguments": [runs["sending"]]}]


def test_what_a_person_or_the_product_paused_does_not_go_on_with_its_campaign(
    mailer: Any, sessions: Any
) -> None:
    by_person = add_run(sessions, {"pending": 1}, state="sending")
    mailer.pause_mailing(by_person)
    by_product = add_run(sessions, {"pending": 1}, state="paused", paused_by="product")
    mailer.on_campaign_changed(uuid4(), changed(Phase.PAUSED))
    mailer.on_campaign_changed(uuid4(), changed(Phase.EXECUTING, 2))
    assert {mailer.get_mailing(run).state for run in (by_person, by_product)} == {"paused"}


@pytest.mark.parametrize("phase", [Phase.CLOSING, Phase.FINISHED, Phase.CANCELLED])
def test_a_campaign_that_closes_or_ends_cancels_its_runs(
    mailer: Any, sessions: Any, phase: Phase
) -> None:
    runs = [
        add_run(sessions, {"pending": 1}, state=state)
        for state in ("preparing", "scheduled", "sending", "paused")
    ]
    ended = add_run(sessions, {"sent": 1})
    mailer.on_campaign_changed(uuid4(), changed(phase))
    assert {mailer.get_mailing(run).state for run in runs} == {"cancelled"}
    assert mailer.get_mailing(ended).state == "finished"
    jobs = [payload for name, payload in outbox_of(sessions) if name == "mailer.skip_cancelled"]
    assert jobs == [{"arguments": [run]} for run in runs]


@pytest.mark.parametrize("phase", [Phase.DRAFT, Phase.PLANNED, Phase.EXECUTING])
def test_other_phases_leave_runs_alone(mailer: Any, sessions: Any, phase: Phase) -> None:
    run = add_run(sessions, {"pending": 1}, state="sending")
    mailer.on_campaign_changed(uuid4(), changed(phase))
    assert mailer.get_mailing(run).state == "sending"


def test_an_audience_that_will_not_come_fails_the_run_that_waits_for_it(
    mailer: Any, sessions: Any
) -> None:
    transfer_id = uuid4()
    run = add_run(sessions, {}, state="preparing", target=None, transfer_id=transfer_id)
    other = add_run(sessions, {}, state="preparing", target=None)
    for key in (transfer_id, uuid4()):
        event = ExportFailed(transfer_id=key, campaign_id=CAMPAIGN, reason="No hay público.")
        mailer.on_export_failed(uuid4(), event)
    found = mailer.get_mailing(run)
    assert (found.state, found.error) == ("failed", "No hay público.")
    assert mailer.get_mailing(other).state == "preparing"
    assert outbox_of(sessions)[-1] == (
        "mailer.forget_audience",
        {"arguments": [str(transfer_id)]},
    )


def test_an_older_announcement_of_a_campaign_is_ignored(mailer: Any, sessions: Any) -> None:
    mailer.on_campaign_changed(uuid4(), changed(Phase.EXECUTING, 5))
    run = add_run(sessions, {"pending": 1}, state="sending")
    mailer.on_campaign_changed(uuid4(), changed(Phase.PAUSED, 4))
    assert mailer.get_mailing(run).state == "sending"


def call(*, contacted: bool) -> CallRecorded:
    return CallRecorded(
        call_id=1,
        campaign_id=CAMPAIGN,
        campaign_name="Fibra",
        customer_id=1,
        advisor="ana",
        result=CallResult.INTERESTED,
        label="Interesado",
        contacted=contacted,
        success=False,
        note="",
        callback_at=None,
        at=datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_news_of_many_people_reach_each_of_them(mailer: Any, sessions: Any) -> None:
    add_run(sessions, {"pending": 4}, state="sending")
    states = [
        told(None, 4, email="otro@correo.example"),
        told(Block.NO_CONSENT, 2),
        told(None, 3, email=None),
        told(Block.DO_NOT_CONTACT, 1),
    ]
    event = ContactStatesChanged(customers=[state for each in states for state in each.customers])
    mailer.on_contact_states_changed(uuid4(), event)
    with sessions() as session:
        query = "SELECT customer_id, state, reason FROM recipient ORDER BY customer_id"
        assert session.execute(text(query)).all() == [
            (1, "skipped", "do_not_contact"),
            (2, "skipped", "no_consent"),
            (3, "skipped", "no_address"),
            (4, "pending", None),
        ]
        kept = session.execute(text("SELECT email FROM recipient WHERE customer_id = 4"))
        assert kept.scalar_one() == "otro@correo.example"
