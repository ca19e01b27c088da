"""A loaded audience becomes its campaign's present one, and is handed on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select

from services.campaign import contact_states, exports, jobs
from services.campaign.models import Audience, Export, Member
from shared import jobs as shared_jobs
from shared.contracts import campaign as contract
from shared.contracts.customer_query import Block, ContactState
from shared.transfer import Chunk
from tests.databases import outbox_of
from tests.jobs.campaign.conftest import Transfers

PEOPLE = 200


def bring(transfers: Transfers, campaign_id: int) -> UUID:
    """Transfer everybody; returns the complete edition."""
    audience_id = transfers.request(campaign_id)
    chunks = transfers.export(audience_id)
    for chunk in chunks:
        jobs.load_audience_chunk(chunk.to_wire())
    jobs.complete_audience(str(audience_id), chunks[-1].rows)
    return audience_id


def test_figures_add_up_and_the_completion_is_announced(transfers: Transfers) -> None:
    transfers.add_people(PEOPLE)
    campaign_id = transfers.add_campaign(control_share=0.2)
    audience_id = bring(transfers, campaign_id)
    status = transfers.status(campaign_id)
    assert (status.state, status.expected, status.transferred) == ("ready", PEOPLE, PEOPLE)
    for reachable, blocked in (
        (status.reachable_mail, status.blocked_mail),
        (status.reachable_phone, status.blocked_phone),
    ):
        assert status.control + reachable + sum(blocked.values()) == PEOPLE
    assert transfers.campaign(campaign_id).audience_id == audience_id
    events = dict(outbox_of(transfers.campaigns))
    assert events["audience_completed"]["rows"] == PEOPLE


def test_the_control_group_is_near_its_share_and_the_same_at_each_refresh(
    transfers: Transfers,
) -> None:
    transfers.add_people(PEOPLE)
    campaign_id = transfers.add_campaign(control_share=0.3)

    def control(audience_id: UUID) -> set[int]:
        return {key for key, item in transfers.members(audience_id).items() if item.control}

    first = control(bring(transfers, campaign_id))
    second = control(bring(transfers, campaign_id))
    assert first == second
    assert 0.15 * PEOPLE < len(first) < 0.45 * PEOPLE


def test_no_control_group_without_a_share(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    bring(transfers, campaign_id)
    assert transfers.status(campaign_id).control == 0


def test_completing_again_changes_nothing(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign(control_share=0.5)
    audience_id = bring(transfers, campaign_id)
    before = transfers.status(campaign_id)
    jobs.complete_audience(str(audience_id), 10)
    after = transfers.status(campaign_id)
    assert after.model_dump(exclude={"updated_at"}) == before.model_dump(exclude={"updated_at"})


def test_a_newer_edition_is_kept_when_an_older_one_completes_late(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    older = transfers.request(campaign_id)
    chunks = transfers.export(older)
    newer = bring(transfers, campaign_id)
    for chunk in chunks:
        jobs.load_audience_chunk(chunk.to_wire())
    jobs.complete_audience(str(older), 10)
    assert transfers.campaign(campaign_id).audience_id == newer
    assert outbox_of(transfers.campaigns)[-1][0] == "campaign.remove_superseded"
    jobs.remove_superseded(campaign_id)
    assert transfers.members(older) == {}
    with transfers.campaigns() as session:
        assert list(session.execute(select(Audience.id)).scalars()) == [newer]


def test_superseded_editions_are_removed_with_their_members(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    first, second = bring(transfers, campaign_id), bring(transfers, campaign_id)
    jobs.remove_superseded(campaign_id)
    with transfers.campaigns() as session:
        assert list(session.execute(select(Audience.id)).scalars()) == [second]
        assert session.execute(select(func.count()).select_from(Member)).scalar_one() == 10
    assert transfers.members(first) == {}


# --- on to mailer and telemarketing ---


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Chunk]]:
    """What goes to the other rooms' queues."""
    found: list[tuple[str, Chunk]] = []

    def send(task: str, chunk: dict[str, Any]) -> None:
        found.append((task, Chunk(**chunk)))

    monkeypatch.setattr(shared_jobs, "send_bulk", send)
    return found


def ask(transfers: Transfers, campaign_id: int, **values: Any) -> UUID:
    """Another room asks for the present edition."""
    transfer_id = uuid4()
    row = {
        "transfer_id": transfer_id,
        "kind": "recipients",
        "campaign_id": campaign_id,
        "audience_id": transfers.campaign(campaign_id).audience_id,
        "customer_ids": None,
        "state": "running",
    }
    with transfers.campaigns.begin() as session:
        exports.insert_export(session, row | values)
    return transfer_id


@pytest.mark.parametrize(
    ("kind", "task", "columns"),
    [
        ("recipients", contract.LOAD_RECIPIENTS_CHUNK, contract.RECIPIENT_COLUMNS),
        ("call_list", contract.LOAD_CALL_LIST_CHUNK, contract.CALL_LIST_COLUMNS),
    ],
)
def test_everybody_but_the_control_group_is_handed_on(
    transfers: Transfers,
    sent: list[tuple[str, Chunk]],
    lines_of: Callable[[Chunk], list[list[str]]],
    kind: str,
    task: str,
    columns: tuple[str, ...],
) -> None:
    transfers.add_people(50)
    campaign_id = transfers.add_campaign(control_share=0.3)
    audience_id = bring(transfers, campaign_id)
    transfer_id = ask(transfers, campaign_id, kind=kind)
    jobs.export_audience(str(transfer_id))
    assert {name for name, _ in sent} == {task}
    *chunks, closing = [chunk for _, chunk in sent]
    lines = [line for chunk in chunks for line in lines_of(chunk)]
    members = transfers.members(audience_id).values()
    assert closing.rows == len(lines) == sum(not member.control for member in members)
    assert {len(line) for line in lines} == {len(columns)}
    customer = columns.index("customer_id")
    assert {int(line[customer]) for line in lines} == {
        member.customer_id for member in members if not member.control
    }


def test_only_the_people_asked_for_are_handed_on(
    transfers: Transfers, sent: list[tuple[str, Chunk]]
) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    ids = list(transfers.members(bring(transfers, campaign_id)))[:3]
    jobs.export_audience(str(ask(transfers, campaign_id, customer_ids=ids)))
    assert sent[-1][1].rows == 3


def test_an_export_that_died_is_a_higher_attempt_and_a_finished_one_is_not_repeated(
    transfers: Transfers, sent: list[tuple[str, Chunk]], monkeypatch: pytest.MonkeyPatch
) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    bring(transfers, campaign_id)
    transfer_id = ask(transfers, campaign_id)

    class Killed(BaseException):
        """The worker is gone."""

    def dying(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shared_jobs, "send_bulk", dying)
        with pytest.raises(Killed):
            jobs.export_audience(str(transfer_id))
    jobs.export_audience(str(transfer_id))
    assert {chunk.attempt for _, chunk in sent} == {2}
    count = len(sent)
    jobs.export_audience(str(transfer_id))
    assert len(sent) == count


def test_exports_that_wait_are_served_by_the_edition_they_waited_for(
    transfers: Transfers,
) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    transfer_id = ask(transfers, campaign_id, state="waiting", audience_id=None)
    audience_id = bring(transfers, campaign_id)
    with transfers.campaigns() as session:
        export = session.get_one(Export, transfer_id)
        assert (export.state, export.audience_id) == ("running", audience_id)
    asked = [payload for name, payload in outbox_of(transfers.campaigns) if "export" in name]
    assert len(asked) == 1


# --- what cannot be had ---


def test_an_edition_that_failed_says_why_and_is_asked_for_again(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    audience_id = transfers.request(campaign_id)
    *chunks, closing = transfers.export(audience_id)
    jobs.load_audience_chunk(chunks[0].to_wire())
    jobs.fail_chunk("Llegó dañado.", chunks[1].to_wire())
    status = transfers.status(campaign_id)
    assert (status.state, status.error, status.transferred) == ("failed", "Llegó dañado.", 0)
    for chunk in (*chunks, closing):  # late ones change nothing
        jobs.load_audience_chunk(chunk.to_wire())
    assert transfers.members(audience_id) == {}
    bring(transfers, campaign_id)
    assert transfers.status(campaign_id).state == "ready"
    assert transfers.status(campaign_id).error is None


def test_the_audience_before_serves_on_when_a_refresh_fails(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    present = bring(transfers, campaign_id)
    jobs.fail_edition("No llegó.", str(transfers.request(campaign_id)), 10)
    status = transfers.status(campaign_id)
    assert (status.state, status.transferred, status.error) == ("ready", 10, "No llegó.")
    assert transfers.campaign(campaign_id).audience_id == present


def test_a_complete_edition_does_not_fail_any_more(transfers: Transfers) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    audience_id = bring(transfers, campaign_id)
    jobs.fail_edition("Tarde.", str(audience_id), 10)
    assert transfers.status(campaign_id).state == "ready"
    assert len(transfers.members(audience_id)) == 10


def failures(transfers: Transfers) -> list[tuple[str, str]]:
    return [
        (payload["transfer_id"], payload["reason"])
        for name, payload in outbox_of(transfers.campaigns)
        if name == "export_failed"
    ]


def test_who_waits_for_an_edition_that_failed_hears_of_it(transfers: Transfers) -> None:
    campaign_id = transfers.add_campaign()
    audience_id = transfers.request(campaign_id)
    transfer_id = ask(transfers, campaign_id, state="waiting", audience_id=None)
    jobs.fail_edition("No llegó.", str(audience_id))
    assert failures(transfers) == [(str(transfer_id), "No llegó.")]
    jobs.fail_edition("No llegó.", str(audience_id))
    assert len(failures(transfers)) == 1


def test_who_waits_goes_on_waiting_while_another_edition_comes(transfers: Transfers) -> None:
    campaign_id = transfers.add_campaign()
    first = transfers.request(campaign_id)
    transfers.request(campaign_id)
    ask(transfers, campaign_id, state="waiting", audience_id=None)
    jobs.fail_edition("No llegó.", str(first))
    assert failures(transfers) == []


def test_an_export_that_failed_is_told_once_and_not_repeated(
    transfers: Transfers, sent: list[tuple[str, Chunk]]
) -> None:
    transfers.add_people(10)
    campaign_id = transfers.add_campaign()
    bring(transfers, campaign_id)
    transfer_id = ask(transfers, campaign_id)
    jobs.fail_export("No se pudo.", str(transfer_id))
    jobs.fail_export("No se pudo.", str(transfer_id))
    assert failures(transfers) == [(str(transfer_id), "No se pudo.")]
    jobs.export_audience(str(transfer_id))
    assert sent == []


# --- what was heard while an edition was on its way ---


def test_a_state_heard_before_the_people_came_is_applied_when_they_are_there(
    transfers: Transfers,
) -> None:
    transfers.add_people(3)
    campaign_id = transfers.add_campaign()
    audience_id = transfers.request(campaign_id)
    chunks = transfers.export(audience_id)
    with transfers.campaigns.begin() as session:
        contact_states.follow(session, [refusal(1, version=2), refusal(2, version=0)])
        contact_states.erase(session, [3])
    for chunk in chunks:
        jobs.load_audience_chunk(chunk.to_wire())
    jobs.complete_audience(str(audience_id), 3)
    refused, older, erased = (transfers.members(audience_id)[number] for number in (1, 2, 3))
    assert (refused.mail_block, refused.contact_version) == ("do_not_contact", 2)
    assert (older.mail_block, older.contact_version) != ("do_not_contact", 0)
    assert (erased.first_names, erased.email, erased.phone_block) == ("", None, "do_not_contact")


def test_what_is_heard_of_many_people_costs_as_much_as_of_one(transfers: Transfers) -> None:
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    with transfers.campaigns.begin() as session:
        event.listen(session.connection(), "before_cursor_execute", note)
        contact_states.follow(session, [refusal(number, version=2) for number in range(1, 501)])
        contact_states.erase(session, list(range(1, 501)))
    assert len(told) == 4


def refusal(customer_id: int, version: int) -> ContactState:
    return ContactState(
        customer_id=customer_id,
        version=version,
        email=None,
        phone=None,
        mail_block=Block.DO_NOT_CONTACT,
        phone_block=Block.DO_NOT_CONTACT,
    )
