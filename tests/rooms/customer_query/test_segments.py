"""Segments: the count against an oracle that knows no SQL, and the saved ones."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from services.customer_query import segment_sql
from services.customer_query.models import Campaign, CampaignMember, Contact, Customer, HeldService
from shared import clock
from shared.contracts.customer_query import (
    NewSegment,
    SegmentChange,
    count_segment,
    create_segment,
    describe_segment,
)
from shared.contracts.segments import parse
from shared.ecuador.dates import years_before
from shared.errors import Invalid, NotFound
from shared.settings import settings as configured
from tests.databases import emptied
from tests.make.definitions import CHOICES, Definition, Person, definitions, holds, whole_years
from tests.make.people import insert_person
from tests.rooms.customer_query.conftest import Sessions

PEOPLE = 250
LIVE, ENDED = 1, 2  # campaigns


def draw_person(rng: random.Random, today: date) -> Person:
    """Anybody, with birthdays near today, unknown values and every state of contact."""

    def some(field: str) -> Any:
        return rng.choice([None, *CHOICES[field]])

    birth = _near(rng, today, rng.randrange(0, 95))
    touched = rng.random() < 0.5
    campaigns = set(rng.sample([LIVE, ENDED], rng.randrange(0, 3)))
    return {
        "gender": some("gender"),
        "birth_on": rng.choice([None, birth, birth, birth]),
        "income": rng.choice([None, Decimal(rng.randrange(0, 200_000)) / 100, Decimal(400)]),
        "province": some("province"),
        "canton": some("canton"),
        "category": rng.choice(CHOICES["category"]),
        "joined_on": _near(rng, today, rng.randrange(0, 20)),
        "risk_category": some("risk_category"),
        "consent_mail": rng.random() < 0.6,
        "consent_phone": rng.random() < 0.6,
        "do_not_mail": rng.random() < 0.2,
        "do_not_call": rng.random() < 0.2,
        "mail_bounced": rng.random() < 0.2,
        "email": rng.choice([None, "a@correo.example"]),
        "phone": rng.choice([None, "+593991234567"]),
        "days_since_contact": rng.randrange(0, 40) if touched else segment_sql.NEVER_DAYS,
        "touches": rng.randrange(1, 5) if touched else 0,
        "service": set(rng.sample(CHOICES["service"], rng.randrange(0, 3))),
        "past_service": rng.choice(CHOICES["service"]),
        "in_campaign": campaigns,
        "in_other_campaign": LIVE in campaigns,
    }


def _near(rng: random.Random, today: date, years: int) -> date:
    """That many years ago, on the day itself or one beside it as often as not."""
    since = years_before(today, years)
    shift = rng.choice([-1, 0, 1, -rng.randrange(400), -rng.randrange(400)])
    return min(today, since + timedelta(days=shift))


@dataclass(frozen=True, repr=False)
class Crowd:
    """Random people by id, on a day."""

    sessions: Sessions
    today: date
    people: dict[int, Person]

    def matching(self, definition: Definition) -> dict[int, Person]:
        """As the oracle says."""
        return {
            key: person
            for key, person in self.people.items()
            if holds(definition, person, self.today)
        }


COLUMNS = set(Customer.__table__.columns.keys())


def insert_drawn(session: Session, person: Person) -> int:
    """The person as rows."""
    values = {name: value for name, value in person.items() if name in COLUMNS}
    now = clock.now()
    if person["touches"]:
        ago = timedelta(days=person["days_since_contact"], hours=12)
        values["last_contact_at"] = now - ago
    customer_id = insert_person(session, **values).id
    for _ in range(person["touches"]):
        at = values["last_contact_at"]
        session.execute(
            insert(Contact).values(customer_id=customer_id, campaign_id=LIVE, channel="mail", at=at)
        )
    services: list[tuple[str, date | None]] = [(name, None) for name in person["service"]]
    if person["past_service"] not in person["service"]:
        services.append((person["past_service"], date(2020, 1, 1)))
    for name, to_on in services:
        session.execute(
            insert(HeldService).values(
                customer_id=customer_id,
                service=name,
                price=10,
                from_on=date(2019, 1, 1),
                to_on=to_on,
            )
        )
    for campaign_id in person["in_campaign"]:
        session.execute(
            insert(CampaignMember).values(campaign_id=campaign_id, customer_id=customer_id)
        )
    return customer_id


# A leap day, the day before and after one in a usual year, and any day.
@pytest.fixture(
    scope="module",
    params=[date(2026, 11, 20), date(2024, 2, 29), date(2026, 2, 28), date(2026, 3, 1)],
    ids=str,
)
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """People on that day, and one who was erased."""
    today: date = request.param
    sessions = emptied("customer_query")
    rng = random.Random(today.toordinal())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "today", lambda: today)
        with sessions.begin() as session:
            for campaign_id, phase in ((LIVE, "executing"), (ENDED, "finished")):
                session.execute(
                    insert(Campaign).values(
                        campaign_id=campaign_id, name="C", phase=phase, version=1
                    )
                )
            drawn = [draw_person(rng, today) for _ in range(PEOPLE)]
            people = {insert_drawn(session, person): person for person in drawn}
            erased = insert_person(session, erased_at=clock.now())
            session.expunge(erased)
        yield Crowd(sessions, today, people)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(definition=definitions)
def test_who_is_in_a_segment_is_what_the_oracle_says(crowd: Crowd, definition: Definition) -> None:
    with crowd.sessions() as session:
        condition = segment_sql.condition(parse(definition))
        found = set(session.execute(select(Customer.id).where(condition)).scalars())
    assert found == set(crowd.matching(definition))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(definition=definitions | st.just({"all": []}))
def test_the_count_and_its_split_are_exact(crowd: Crowd, definition: Definition) -> None:
    matching = crowd.matching(definition).values()
    with crowd.sessions() as session:
        count = segment_sql.count(session, parse(definition))
    assert count.matching == len(matching)
    assert count.reachable.mail == sum(may_mail(person) for person in matching)
    assert count.reachable.phone == sum(may_call(person) for person in matching)
    assert count.excluded.model_dump() == {
        "no_consent": sum(not p["consent_mail"] and not p["consent_phone"] for p in matching),
        "do_not_contact": sum(p["do_not_mail"] and p["do_not_call"] for p in matching),
        "bounced": sum(p["mail_bounced"] for p in matching),
        "over_cap": sum(map(is_over_cap, matching)),
        "in_other_campaign": sum(p["in_other_campaign"] for p in matching),
    }
    assert len(count.sample) == min(segment_sql.SAMPLE, len(matching))
    for slices in (count.by_age, count.by_gender, count.by_province):
        assert sum(item.count for item in slices) == len(matching)
    ages = Counter(age_label(whole_years(p["birth_on"], crowd.today)) for p in matching)
    assert {item.label: item.count for item in count.by_age} == ages


def is_over_cap(person: Person) -> bool:
    recently = person["days_since_contact"] < configured().contact_cap_days
    return bool(recently and person["touches"] >= configured().contact_cap)


def may_mail(person: Person) -> bool:
    held = person["do_not_mail"] or person["mail_bounced"] or is_over_cap(person)
    return bool(person["consent_mail"] and person["email"]) and not held


def may_call(person: Person) -> bool:
    held = person["do_not_call"] or is_over_cap(person)
    return bool(person["consent_phone"] and person["phone"]) and not held


def age_label(age: int | None) -> str:
    if age is None:
        return "Sin dato"
    low, high = next(band for band in segment_sql.AGE_BANDS if band[0] <= age < band[1])
    if low == 0:
        return "Menos de 20"
    return "71 y más" if low == 71 else f"{low} a {high - 1}"


# --- the doors ---

WOMEN: Definition = {"all": [{"field": "gender", "in": ["F"]}]}


def test_a_wrong_definition_is_named_by_its_path(customers: Any) -> None:
    wrong = {"definition": {"all": [{"field": "agee", "in": [3]}]}}
    for procedure in (count_segment, describe_segment):
        with pytest.raises(Invalid) as error:  # as it comes over the wire
            getattr(customers, procedure.name)(**procedure.decode_arguments(wrong))
        assert error.value.fields[0].field == "definition.all.0.field"


def years_ago(years: int, days: int) -> date:
    return years_before(clock.today(), years) + timedelta(days)


@pytest.mark.parametrize(
    ("field", "column", "low", "high", "inside", "outside"),
    [
        ("income", "income", 400, 1200, ["400", "1200"], ["399.99", "1200.01"]),
        ("age", "birth_on", 25, 45, [(25, 0), (46, 1)], [(25, 1), (46, 0)]),
        ("tenure_years", "joined_on", 2, 3, [(2, 0), (4, 1)], [(2, 1), (4, 0)]),
        ("days_since_contact", "last_contact_at", 3, 5, [3.1, 5.9], [2.9, 6.1]),
    ],
)
def test_both_ends_count_to_the_cent_and_to_the_day(
    customers: Any,
    people: Sessions,
    field: str,
    column: str,
    low: int,
    high: int,
    inside: list[Any],
    outside: list[Any],
) -> None:
    def value(raw: Any) -> Any:
        if isinstance(raw, float):
            return clock.now() - timedelta(days=raw)
        return years_ago(*raw) if isinstance(raw, tuple) else Decimal(raw)

    with people.begin() as session:
        found = {insert_person(session, **{column: value(raw)}).id for raw in inside}
        for raw in outside:
            insert_person(session, **{column: value(raw)})
    counted = customers.count_segment(parse({"field": field, "between": [low, high]}))
    assert {row.id for row in counted.sample} == found


def test_counting_nobody_is_no_error(customers: Any) -> None:
    count = customers.count_segment(parse(WOMEN))
    assert (count.matching, count.reachable.mail, count.sample, count.by_age) == (0, 0, [], [])


def test_a_segment_is_saved_with_its_summary_and_changed_by_versions(customers: Any) -> None:
    created = customers.create_segment(NewSegment(name="Mujeres", definition=WOMEN))
    assert (created.summary, created.version, created.created_by) == ("Género: mujeres", 1, "jefe")
    men: Definition = {"field": "gender", "in": ["M"]}
    change = SegmentChange.to(name="Hombres", definition=men)
    changed = customers.update_segment(created.id, change)
    assert (changed.summary, changed.version) == ("Género: hombres", 2)
    assert customers.get_segment(created.id) == changed
    customers.delete_segment(created.id)
    with pytest.raises(NotFound):
        customers.get_segment(created.id)


def test_a_segments_name_is_its_own(customers: Any) -> None:
    new = NewSegment(name="Mujeres", definition=WOMEN)
    customers.create_segment(new)
    other = customers.create_segment(NewSegment(name="Otras", definition=WOMEN))
    with pytest.raises(Invalid) as created:
        customers.create_segment(new)
    with pytest.raises(Invalid) as changed:
        customers.update_segment(other.id, SegmentChange.to(name="Mujeres"))
    for error in (created, changed):
        assert [item.field for item in error.value.fields] == ["name"]
    assert len(customers.list_segments().items) == 2


def test_a_segment_that_cannot_be_counted_cannot_be_saved(customers: Any) -> None:
    wrong = {"new": {"name": "Mal", "definition": {"any": []}}}
    with pytest.raises(Invalid) as error:
        customers.create_segment(**create_segment.decode_arguments(wrong))
    assert error.value.fields[0].field == "definition.any"
    assert customers.list_segments().items == []


def test_segments_come_by_name_in_pages(customers: Any, people: Sessions) -> None:
    for name in ("Carchi", "Ambato", "Bahía"):
        customers.create_segment(NewSegment(name=name, definition=WOMEN))
    first = customers.list_segments(limit=2)
    assert [item.name for item in first.items] == ["Ambato", "Bahía"]
    rest = customers.list_segments(after=first.next, limit=2)
    assert ([item.name for item in rest.items], rest.next) == (["Carchi"], None)
    assert [item.name for item in customers.list_segments(search="mba").items] == ["Ambato"]


def test_segments_are_found_by_what_they_mean_and_sorted(customers: Any) -> None:
    loja: Definition = {"all": [{"field": "province", "in": ["11"]}]}
    customers.create_segment(NewSegment(name="Del sur", definition=loja))
    customers.create_segment(NewSegment(name="Añejos", definition=WOMEN))

    def found(**wanted: Any) -> list[str]:
        return [item.name for item in customers.list_segments(**wanted).items]

    assert found(search="loja") == ["Del sur"]
    assert found(search="SUR del") == ["Del sur"]
    assert found(search="anejos") == ["Añejos"]
    assert found(order="-name") == found()[::-1]
    for order in ("created_by", "updated_at", "version"):
        assert sorted(found(order=order)) == sorted(found())
    assert customers.list_segments(count=True, limit=1).total.rows == len(found())


def test_many_segments_are_forgotten_each_by_itself(customers: Any) -> None:
    new = [NewSegment(name=name, definition=WOMEN) for name in ("Uno", "Dos")]
    first, other = map(customers.create_segment, new)
    done = customers.delete_segments([other.id, 999, first.id])
    assert done.done == 2
    [refused] = done.refused
    assert (refused.label, refused.reason) == ("n.º 999", "El segmento no existe.")
    assert customers.list_segments(search="Uno").items == []
