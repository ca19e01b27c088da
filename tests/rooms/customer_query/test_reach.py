"""Who sees whom: the own people, the team's, everybody's, and nobody else at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from services.customer_query import reach
from services.customer_query.models import Customer, Reach
from shared import clock, trace
from shared.contracts.campaign import CampaignBrief, CampaignChanged, Phase
from shared.contracts.customer_query import Channel, CustomerChange, Occasion
from shared.contracts.telemarketing import CallRecorded, CallResult, PeopleMoved
from shared.errors import Conflict, Invalid, NotFound
from tests.make.actors import make_actor
from tests.make.people import insert_person
from tests.rooms.customer_query.conftest import Sessions

CAMPAIGN = 7
NO_CHANGE = CustomerChange.model_validate({})
ANA, LUIS = "ana", "luis"
DAY = timedelta(days=1)

ASKED: dict[str, Callable[[Any, int], Any]] = {
    "get_customer": lambda room, number: room.get_customer(number),
    "list_timeline": lambda room, number: room.list_timeline(number),
    "get_personal_data": lambda room, number: room.get_personal_data(number),
    "update_customer": lambda room, number: room.update_customer(number, NO_CHANGE),
    "erase_customer": lambda room, number: room.erase_customer(number, "Pedido"),
}


@pytest.fixture
def person(people: Sessions) -> int:
    with people.begin() as session:
        return insert_person(session, phone="+593991234567", consent_phone=True).id


def advising(username: str) -> AbstractContextManager[None]:
    return trace.use(actor=make_actor(username, "advisor"))


def leading(*team: str) -> AbstractContextManager[None]:
    return trace.use(actor=make_actor("sara", "supervisor", team=team))


def move(room: Any, person: int, *, given: bool = True, days: float = 0, to: str = ANA) -> None:
    at = clock.now() + days * DAY
    event = PeopleMoved(campaign_id=CAMPAIGN, advisor=to, customer_ids=[person], given=given, at=at)
    room.on_people_moved(uuid4(), event)


def call(room: Any, person: int, days: float = 0, callback_days: float | None = None) -> None:
    at = clock.now() + days * DAY
    event = CallRecorded(
        call_id=1, campaign_id=CAMPAIGN, campaign_name="Fibra", customer_id=person, advisor=ANA,
        result=CallResult.BUSY, label="Ocupado", contacted=False, success=False, note="",
        callback_at=None if callback_days is None else clock.now() + callback_days * DAY, at=at,
    )  # fmt: skip
    room.on_call_recorded(uuid4(), event)


def sees(room: Any, person: int) -> bool:
    listed = person in [row.id for row in room.list_customers().items]
    try:
        found = room.get_customer(person).id == person
    except NotFound:
        found = False
    assert listed is found
    return found


@pytest.mark.parametrize("name", ASKED)
def test_a_strangers_customer_does_not_exist(customers: Any, person: int, name: str) -> None:
    move(customers, person, to=LUIS)
    for actor in (make_actor(ANA, "advisor"), make_actor("sara", "supervisor", team={ANA})):
        with trace.use(actor=actor), pytest.raises(NotFound) as strange:
            ASKED[name](customers, person)
        with trace.use(actor=actor), pytest.raises(NotFound) as missing:
            ASKED[name](customers, person + 1000)
        assert strange.value.message == missing.value.message
    for reader in (advising(LUIS), leading(LUIS), trace.use(actor=make_actor())):
        with reader:
            ASKED["get_customer"](customers, person)


@pytest.mark.parametrize("name", ASKED)
def test_the_own_and_the_teams_are_there_for_each_door(
    customers: Any, person: int, name: str
) -> None:
    move(customers, person)
    for reader in (advising(ANA), leading(ANA, LUIS)):
        with reader:
            ASKED[name](customers, person)
        move(customers, person)  # erased people are nobody's


def test_a_list_and_a_search_show_the_own_people_alone(customers: Any, people: Sessions) -> None:
    with people.begin() as session:
        ids = [insert_person(session).id for _ in range(6)]
    for number in ids[:2]:
        move(customers, number)
    move(customers, ids[2], to=LUIS)
    with advising(ANA):
        assert {row.id for row in customers.list_customers().items} == set(ids[:2])
    with leading(ANA, LUIS):
        first = customers.list_customers(limit=2)
        rest = customers.list_customers(limit=2, after=first.next)
        assert {row.id for row in [*first.items, *rest.items]} == set(ids[:3])
    with people() as session:
        strangers = session.get_one(Customer, ids[5]).cedula
    with advising(ANA):
        assert customers.list_customers(search=strangers).items == []


def test_who_is_taken_back_is_seen_no_more_and_late_news_change_nothing(
    customers: Any, person: int
) -> None:
    move(customers, person, days=-2)
    move(customers, person, given=False, days=-1)
    move(customers, person, days=-3)  # on its way for longer than what came after
    with advising(ANA):
        assert not sees(customers, person)
    move(customers, person)
    with advising(ANA):
        assert sees(customers, person)


def test_who_was_called_is_seen_for_thirty_days(customers: Any, person: int) -> None:
    call(customers, person, days=-29.9)
    with advising(ANA):
        assert sees(customers, person)
    with advising(LUIS):
        assert not sees(customers, person)


@pytest.mark.parametrize(("callback_days", "seen"), [(None, False), (-31, False), (10, True)])
def test_a_call_of_long_ago_counts_as_long_as_a_callback_is_agreed(
    customers: Any, person: int, callback_days: float | None, *, seen: bool
) -> None:
    call(customers, person, days=-40, callback_days=callback_days)
    with advising(ANA):
        assert sees(customers, person) is seen


def test_a_call_of_a_given_person_takes_nothing_away(customers: Any, person: int) -> None:
    call(customers, person, days=-40)
    move(customers, person, days=-39)
    call(customers, person, days=-38)
    with advising(ANA):
        assert sees(customers, person)
    move(customers, person, given=False)
    with advising(ANA):
        assert not sees(customers, person)


@pytest.mark.parametrize("phase", Phase)
def test_the_lists_of_a_campaign_end_with_it(customers: Any, person: int, phase: Phase) -> None:
    move(customers, person)
    brief = CampaignBrief(
        campaign_id=CAMPAIGN, name="Fibra", phase=phase, channels=[Channel.PHONE],
        design_id=None, mail_subject="", script="",
    )  # fmt: skip
    customers.on_campaign_changed(uuid4(), CampaignChanged(campaign=brief, version=2))
    with advising(ANA):
        assert sees(customers, person) is (phase not in (Phase.FINISHED, Phase.CANCELLED))


def test_who_is_erased_is_nobodys(customers: Any, people: Sessions, person: int) -> None:
    move(customers, person)
    customers.erase_customer(person, "Pedido")
    with people() as session:
        assert session.query(Reach).count() == 0


def test_what_holds_no_more_is_forgotten_when_nothing_can_come_late(
    customers: Any, people: Sessions
) -> None:
    with people.begin() as session:
        ids = [insert_person(session).id for _ in range(4)]
    move(customers, ids[0])
    move(customers, ids[1], given=False)
    move(customers, ids[2], given=False, days=-8)
    call(customers, ids[3], days=-31)
    with people.begin() as session:
        reach.forget_old(session)
        left = set(session.execute(text("SELECT customer_id FROM reach")).scalars())
    assert left == {ids[0], ids[1]}


def test_a_supervisor_of_nobody_sees_nobody(customers: Any, person: int) -> None:
    move(customers, person)
    with leading():
        assert not sees(customers, person)


def test_an_advisors_page_reads_the_own_people_and_no_others(
    customers: Any, people: Sessions
) -> None:
    with people.begin() as session:
        ids = [insert_person(session).id for _ in range(400)]
    for number in ids[::80]:
        move(customers, number)
    with people.begin() as session:
        session.execute(update(Customer).values(search=Customer.search))
        session.execute(text("ANALYZE customer"))
        query = "SELECT id FROM customer WHERE id = ANY(ARRAY(SELECT customer_id FROM reach))"
        plan = "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
    assert "Seq Scan on customer" not in plan


# --- who calls and is on nobody's list ---


@pytest.mark.parametrize("written", ["cédula", "0991234567", "+593 99 123 4567", " 099 123 4567 "])
def test_who_calls_is_opened_for_an_hour_to_who_answers_and_it_stands_on_the_time_line(
    customers: Any, people: Sessions, person: int, written: str
) -> None:
    with people() as session:
        cedula = session.get_one(Customer, person).cedula
    number = cedula if written == "cédula" else written
    with advising(ANA):
        assert not sees(customers, person)
        assert customers.find_customer(number, Occasion.CALLING).id == person
        assert sees(customers, person)
        [line] = customers.list_timeline(person).items
    assert (line.by, line.detail) == (ANA, "El cliente llama")
    with advising(LUIS):
        assert not sees(customers, person)
    with people.begin() as session:
        session.execute(update(Reach).values(until=clock.now()))
    with advising(ANA):
        assert not sees(customers, person)


@pytest.mark.parametrize("number", ["0991234", "Mora", "171", "%", ""])
def test_part_of_a_number_opens_nothing(customers: Any, person: int, number: str) -> None:
    with advising(ANA), pytest.raises(Invalid) as refused:
        customers.find_customer(number, Occasion.CALLING)
    assert refused.value.names("number")


def test_a_number_of_nobody_or_of_several_opens_nothing(
    customers: Any, people: Sessions, person: int
) -> None:
    with advising(ANA), pytest.raises(NotFound):
        customers.find_customer("0987654321", Occasion.CALLING)
    with people.begin() as session:
        insert_person(session, phone="+593991234567")
    with advising(ANA), pytest.raises(Conflict, match="cédula"):
        customers.find_customer("0991234567", Occasion.CALLING)


def test_who_opens_one_after_the_other_is_stopped(
    customers: Any, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "MOST_OPEN", 2)
    with people.begin() as session:
        persons = [insert_person(session) for _ in range(3)]
        cedulas = [one.cedula for one in persons]
    with advising(ANA):
        for cedula in cedulas[:2]:
            customers.find_customer(cedula, Occasion.CALLING)
        with pytest.raises(Conflict, match="2 fichas"):
            customers.find_customer(cedulas[2], Occasion.CALLING)
        customers.find_customer(cedulas[0], Occasion.WROTE)
    with advising(LUIS):
        customers.find_customer(cedulas[2], Occasion.CALLING)
