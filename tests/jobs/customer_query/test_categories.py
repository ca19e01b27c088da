"""Categories follow the calendar: new, regular and loyal by tenure, except those set by hand."""

from datetime import date, timedelta

import pytest

from services.customer_query import jobs
from services.customer_query.models import Customer
from shared import clock
from tests.jobs.customer_query.conftest import Sessions
from tests.make.people import insert_person


def years_ago(years: int, days: int = 0) -> date:
    today = clock.today()
    # 1 March stands for 29 February, so that every year has the day
    day = today if (today.month, today.day) != (2, 29) else date(today.year, 3, 1)
    return day.replace(year=day.year - years) + timedelta(days)


@pytest.mark.parametrize(
    ("joined_on", "category"),
    [
        (years_ago(0, -3), "new"),
        (years_ago(1, 3), "new"),
        (years_ago(1, -3), "regular"),
        (years_ago(10, 3), "regular"),
        (years_ago(10, -3), "loyal"),
        (years_ago(30), "loyal"),
    ],
)
def test_a_category_follows_the_tenure(people: Sessions, joined_on: date, category: str) -> None:
    stale = "loyal" if category == "new" else "new"
    with people.begin() as session:
        customer_id = insert_person(session, joined_on=joined_on, category=stale).id
    jobs.update_categories()
    with people() as session:
        assert session.get_one(Customer, customer_id).category == category


def test_a_category_set_by_hand_stays(people: Sessions) -> None:
    with people.begin() as session:
        customer_id = insert_person(
            session, joined_on=years_ago(0), category="loyal", category_reason="Accionista"
        ).id
    jobs.update_categories()
    with people() as session:
        kept = session.get_one(Customer, customer_id)
        assert (kept.category, kept.category_reason) == ("loyal", "Accionista")
