"""Dates in two orders, shown in one."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ecuador.dates import format_date, format_datetime, format_time, parse_date


@given(st.dates(min_value=date(1000, 1, 1)))
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
