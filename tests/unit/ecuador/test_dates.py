"""Dates in two orders, shown in one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ecuador.dates import (
    format_date,
    format_datetime,
    format_time,
    parse_date,
    years_before,
)
from tests.make.definitions import whole_years


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31)))
def test_both_orders_read_the_same_day(day: date) -> None:
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day.day}/{day.month:02}/{day.year}") == day
    assert parse_date(f"{day.isoformat()} 00:00:00") == day


@pytest.mark.parametrize(
    ("text", "part"),
    [("31/02/2020", "no existe"), ("2020-13-01", "no existe"), ("ayer", "escriba"), ("", "AAAA")],
)
def test_a_wrong_date_is_told_what_to_do(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        parse_date(text)


def test_dates_are_shown_in_ecuadorian_time() -> None:
    moment = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
    assert format_date(date(2026, 11, 20)) == "20 nov 2026"
    assert format_datetime(moment) == "20 nov 2026 21:05"
    assert format_time(moment) == "21:05"
    with pytest.raises(ValueError, match="aware"):
        format_datetime(moment.replace(tzinfo=None))


# --- how many years ago: one rule for ages, tenure and categories ---


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 120))
def test_years_before_is_the_last_day_that_many_years_ago(day: date, years: int) -> None:
    found = years_before(day, years)
    assert whole_years(found, day) == years
    assert whole_years(found + timedelta(days=1), day) == years - 1


@given(st.dates(), st.integers(-20_000, 20_000))
def test_years_before_gives_a_date_however_far_away(day: date, years: int) -> None:
    found = years_before(day, years)
    assert (found <= day) if years >= 0 else (found >= day)


def test_a_leap_day_counts_as_the_day_before_it_in_other_years() -> None:
    assert years_before(date(2024, 2, 29), 1) == date(2023, 2, 28)
    assert years_before(date(2024, 2, 29), 4) == date(2020, 2, 29)
