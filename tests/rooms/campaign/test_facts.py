"""What the other rooms report, and the figures that come of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from services.campaign import audience
from services.campaign.models import Export, Member
from shared.contracts import customer_query, mailer, telemarketing
from shared.contracts.campaign import Phase
from shared.contracts.mailer import MailingChanged, MailingProgressed, Outcome
from shared.contracts.telemarketing import CallRecorded, CallResult
from shared.errors import Invalid
from tests.databases import outbox_of
from tests.rooms.campaign.conftest import Sessions, new_campaign, person

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
PEOPLE = [
    person(1, gender="F", province="17", birth_on=date(2000, 1, 1), email="a@x.ec"),
    person(2, gender="M", province="17", birth_on=date(1980, 1, 1), phone="+593991234567"),
    person(3, gender="F", province="09", mail_block="no_consent", phone_block="no_address"),
]


@pytest.fixture
def campaign_id(campaigns: Any, bring: Callable[..., UUID]) -> int:
    """A campaign with three people."""
    created: int = campaigns.create_campaign(new_campaign()).id
    bring(created, PEOPLE)
    return created


def call_of(campaign_id: int, number: int, result: CallResult, **changes: Any) -> CallRecorded:
    usual: dict[str, Any] = {
        "call_id": number,
        "campaign_id": campaign_id,
        "campaign_name": "Fibra",
        "customer_id": 1,
        "advisor": "ana",
        "result": result,
        "label": "",
        "contacted": result in {CallResult.ACCEPTED, CallResult.NOT_INTERESTED},
        "success": result is CallResult.ACCEPTED,
        "note": "",
        "callback_at": None,
        "at": NOON,
    }
    return CallRecorded(**usual | changes)


def progress_of(campaign_id: int, *outcomes: tuple[int, str, str | None, datetime]) -> Any:
    return MailingProgressed(
        mailing_id=5,
        campaign_id=campaign_id,
        campaign_name="Fibra",
        subject="",
        outcomes=[
            Outcome(customer_id=number, state=mailer.RecipientState(state), reason=reason, at=at)
            for number, state, reason, at in outcomes
        ],
    )


def hear(campaigns: Any, *events: Any) -> None:
    """Each event reaches its handler as one of its own, and then once more as the same."""
    for event in events:
        event_id = uuid4()
        for _ in range(2):
            getattr(campaigns, f"on_{event.kind}")(event_id, event)


def test_calls_are_counted_by_result_day_and_advisor(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    late = datetime(2026, 11, 21, 3, tzinfo=UTC)  # still the 20th in Guayaquil
    calls = [
        call_of(campaign_id, 1, CallResult.NO_ANSWER),
        call_of(campaign_id, 2, CallResult.ACCEPTED, at=late),
        call_of(campaign_id, 3, CallResult.NOT_INTERESTED, customer_id=2, advisor="eva"),
    ]
    hear(campaigns, *calls, *calls)
    figures = campaigns.get_statistics(campaign_id)
    assert figures.calls == 3
    assert {item.key: item.count for item in figures.by_result} == {
        "accepted": 1,
        "not_interested": 1,
        "no_answer": 1,
    }
    assert {(item.on, item.result) for item in figures.by_day} == {
        (date(2026, 11, 20), result) for result in ("no_answer", "accepted", "not_interested")
    }
    assert [(item.key, item.count) for item in figures.by_advisor] == [("ana", 2), ("eva", 1)]
    assert (figures.contacted, figures.accepted) == (2, 1)
    assert (str(figures.cost_per_contact), str(figures.cost_per_sale)) == ("50.00", "100.00")


def test_the_mail_funnel_adds_up_whatever_comes_twice_or_late(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    changed = MailingChanged(
        mailing_id=5,
        campaign_id=campaign_id,
        state=mailer.MailingState.SENDING,
        target=5,
        version=2,
    )
    older = changed.model_copy(update={"target": 0, "version": 1})
    first = progress_of(campaign_id, (1, "failed", "450", NOON), (3, "skipped", "no_consent", NOON))
    retried = progress_of(campaign_id, (1, "sent", None, NOON + timedelta(minutes=1)))
    other = progress_of(campaign_id, (2, "doubtful", None, NOON))
    called_off = progress_of(campaign_id, (4, "cancelled", None, NOON))
    hear(campaigns, changed, first, other, called_off, retried, retried, first, changed, older)
    mail = campaigns.get_statistics(campaign_id).mail
    assert mail.model_dump() == {
        "target": 5,
        "pending": 1,
        "sent": 1,
        "failed": 0,
        "skipped": {"no_consent": 1},
        "doubtful": 1,
        "cancelled": 1,
        "unsubscribed": 0,
    }
    left = mailer.RecipientUnsubscribed(
        customer_id=1, campaign_id=campaign_id, mailing_id=5, at=NOON
    )
    hear(campaigns, left, left)
    assert campaigns.get_statistics(campaign_id).mail.unsubscribed == 1


def test_groups_and_map_share_out_the_whole_audience(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    hear(campaigns, call_of(campaign_id, 1, CallResult.ACCEPTED))
    for chosen in (campaign_id, None):
        gender = {item.key: item.audience for item in campaigns.list_by_gender(chosen)}
        assert gender == {"F": 2, "M": 1}
        ages = {item.label: item.audience for item in campaigns.list_by_age(chosen)}
        assert ages == {"18 a 29": 1, "45 a 59": 1, "Sin dato": 1}
        provinces = campaigns.list_by_province(chosen)
        assert len(provinces) == 24
        assert sum(item.audience for item in provinces) == len(PEOPLE)
    pichincha = next(item for item in provinces if item.province == "17")
    assert (pichincha.audience, pichincha.contacted, pichincha.success_rate) == (2, 1, 1.0)


def test_a_cancelled_campaign_is_in_no_common_figure(campaigns: Any, campaign_id: int) -> None:
    campaigns.change_phase(campaign_id, Phase.CANCELLED, "Prueba")
    assert campaigns.list_by_gender() == []
    assert campaigns.get_repeated_customers().total == 0


def test_repeated_customers_come_with_their_campaigns_and_the_matrix(
    campaigns: Any, bring: Callable[..., UUID], campaign_id: int
) -> None:
    second = campaigns.create_campaign(new_campaign(name="Móvil")).id
    bring(second, [PEOPLE[0], PEOPLE[1], person(9)])
    third = campaigns.create_campaign(new_campaign(name="TV hogar")).id
    bring(third, [PEOPLE[0]])
    repeated = campaigns.get_repeated_customers(limit=1)
    assert repeated.total == 2
    assert [item.campaigns for item in repeated.customers] == [[campaign_id, second, third]]
    rest = campaigns.get_repeated_customers(after=repeated.next, limit=1)
    assert [(item.customer_id, item.campaigns) for item in rest.customers] == [
        (2, [campaign_id, second])
    ]
    assert rest.next is None
    assert {(item.first, item.second): item.customers for item in repeated.matrix} == {
        (campaign_id, second): 2,
        (campaign_id, third): 1,
        (second, third): 1,
    }
    assert repeated.campaigns[second] == "Móvil"


def test_campaigns_stand_beside_each_other_by_budget(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    campaigns.create_campaign(new_campaign(name="Grande", budget="900"))
    hear(campaigns, call_of(campaign_id, 1, CallResult.ACCEPTED))
    figures = campaigns.list_by_budget()
    assert [item.name for item in figures] == ["Grande", "Fibra"]
    fibra = figures[1]
    assert (fibra.audience, fibra.contacted, fibra.accepted) == (3, 1, 1)


# --- people who change or leave ---


def test_a_changed_contact_state_reaches_the_audience(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    state = customer_query.ContactState(
        customer_id=1,
        version=3,
        email=None,
        phone=None,
        mail_block=customer_query.Block.NO_CONSENT,
        phone_block=None,
    )
    older = state.model_copy(update={"version": 2, "email": "x@correo.ec", "mail_block": None})
    for heard in (state, older):
        hear(campaigns, customer_query.ContactStatesChanged(customers=[heard]))
        first = campaigns.list_members(campaign_id).items[0]
        assert (first.email, first.mail_block) == (None, "no_consent")


def test_nobody_comes_back_after_being_erased(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    hear(campaigns, customer_query.CustomersErased(customer_ids=[1]))
    late = customer_query.ContactState(
        customer_id=1,
        version=9,
        email="ana@correo.ec",
        phone="+593991234567",
        mail_block=None,
        phone_block=None,
    )
    hear(campaigns, customer_query.ContactStatesChanged(customers=[late]))
    first = campaigns.list_members(campaign_id).items[0]
    assert (first.email, first.phone, first.mail_block) == (None, None, "do_not_contact")


def test_a_segment_that_cannot_be_exported_fails_the_edition(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    campaigns.request_audience(campaign_id)
    with stored() as session:
        edition = audience.find_latest(session, campaign_id)
        assert edition is not None
    failed = customer_query.SegmentExportFailed(transfer_id=edition.id, reason="No se pudo.")
    hear(campaigns, failed)
    assert campaigns.get_audience(campaign_id).error == "No se pudo."
    assert campaigns.request_audience(campaign_id).state == "transferring"


def test_nothing_is_exported_of_a_campaign_without_people(campaigns: Any, stored: Sessions) -> None:
    created = campaigns.create_campaign(new_campaign(name="Vacía"))
    with stored() as session:
        edition = audience.find_latest(session, created.id)
        assert edition is not None
    failed = customer_query.SegmentExportFailed(transfer_id=edition.id, reason="No se pudo.")
    hear(campaigns, failed)
    event = telemarketing.CallListRequested(transfer_id=uuid4(), campaign_id=created.id)
    hear(campaigns, event)
    assert exports(stored) == [("call_list", "failed")]
    assert outbox_of(stored)[-1][0] == "export_failed"


def test_an_erased_person_still_counts_and_is_nobody(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    hear(campaigns, customer_query.CustomersErased(customer_ids=[1]))
    assert sum(item.audience for item in campaigns.list_by_gender(campaign_id)) == 3
    with stored() as session:
        blank = session.execute(select(Member).filter_by(customer_id=1)).scalar_one()
        assert (blank.first_names, blank.email, blank.mail_block) == ("", None, "do_not_contact")


# --- exports that other rooms ask for ---


def exports(stored: Sessions) -> list[tuple[str, str]]:
    with stored() as session:
        return [(item.kind, item.state) for item in session.execute(select(Export)).scalars()]


def test_a_call_list_is_exported_at_once_when_the_audience_is_there(
    campaigns: Any, stored: Sessions, campaign_id: int
) -> None:
    event = telemarketing.CallListRequested(transfer_id=uuid4(), campaign_id=campaign_id)
    hear(campaigns, event)
    assert exports(stored) == [("call_list", "running")]
    assert outbox_of(stored)[-1][0] == "campaign.export_audience"


def test_recipients_wait_for_a_refresh(campaigns: Any, stored: Sessions, campaign_id: int) -> None:
    event = mailer.RecipientsRequested(
        transfer_id=uuid4(), campaign_id=campaign_id, refresh=True, customer_ids=None
    )
    hear(campaigns, event)
    assert exports(stored) == [("recipients", "waiting")]
    assert outbox_of(stored)[-1][0] == "audience_requested"


def test_a_wrong_cursor_is_told(campaigns: Any, campaign_id: int) -> None:
    with pytest.raises(Invalid):
        campaigns.list_members(campaign_id, after="x")
