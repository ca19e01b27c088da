"""Phones in, E.164 out."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ecuador.phones import PhoneKind, format_phone, parse_phone


@pytest.mark.parametrize(
    ("text", "e164", "kind"),
    [
        ("0991234567", "+593991234567", PhoneKind.MOBILE),
        ("991234567", "+593991234567", PhoneKind.MOBILE),
        ("+593 99 123 4567", "+593991234567", PhoneKind.MOBILE),
        ("(02) 234-5678", "+59322345678", PhoneKind.LANDLINE),
        ("+34 612 34 56 78", "+34612345678", PhoneKind.MOBILE),
    ],
)
def test_usual_ways_of_writing_are_read(text: str, e164: str, kind: PhoneKind) -> None:
    phone = parse_phone(text)
    assert (phone.e164, phone.kind) == (e164, kind)


@given(st.from_regex(r"09[0-9]{8}", fullmatch=True))
def test_the_short_way_agrees_with_the_library(text: str) -> None:
    valid = phonenumbers.is_valid_number(phonenumbers.parse(text, "EC"))
    try:
        found = parse_phone(text).e164
    except ValueError:
        found = None
    assert found == (f"+593{text[1:]}" if valid else None)


def test_a_number_is_shown_in_groups() -> None:
    assert parse_phone("+593991234567").parts == ("099", "123", "4567")
    assert format_phone("+593991234567") == "099 123 4567"
    assert format_phone("+34612345678").startswith("+34 ")


@pytest.mark.parametrize("text", ["", "123", "no tengo", "+593111", "09912345678"])
def test_a_wrong_number_is_told_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="escriba"):
        parse_phone(text)
