"""What is written into a profile."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.customer_query.profiles import category_of, check, complete_change
from shared.contracts.customer_query import Category
from shared.errors import Invalid

TODAY = date(2026, 11, 20)
BEFORE: dict[str, Any] = {
    "cedula": "1710034065",
    "first_names": "Ana",
    "last_names": "Mora",
    "province": "17",
    "canton": "1701",
    "email": "ana@correo.example",
    "mail_bounced": True,
    "joined_on": date(2020, 1, 1),
    "category": Category.REGULAR,
    "category_reason": None,
}


def wrong_fields(values: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as caught:
        check(values, TODAY)
    return [item.field for item in caught.value.fields]


def test_values_are_normalised() -> None:
    checked = check(
        {
            "cedula": " 171003406-5 ",
            "first_names": "  Ana   Lucía ",
            "last_names": "Mora",
            "email": "Ana@Correo.EXAMPLE",
            "phone": "099 123 4567",
            "other_phones": ["0991234567", "", "0991234567"],
            "province": "17",
            "canton": "1701",
        },
        TODAY,
    )
    assert checked == {
        "cedula": "1710034065",
        "first_names": "Ana Lucía",
        "last_names": "Mora",
        "email": "ana@correo.example",
        "phone": "+593991234567",
        "other_phones": ["+593991234567"],
        "province": "17",
        "canton": "1701",
    }


def test_every_wrong_field_is_named_at_once() -> None:
    assert wrong_fields(
        {
            "cedula": "1710034066",
            "first_names": "",
            "last_names": "M0ra",
            "email": "ana",
            "phone": "12",
            "income": Decimal(-1),
            "birth_on": date(1890, 1, 1),
            "joined_on": date(2030, 1, 1),
            "province": "17",
            "canton": "0901",
        }
    ) == [
        "cedula",
        "first_names",
        "last_names",
        "email",
        "phone",
        "income",
        "birth_on",
        "joined_on",
        "canton",
    ]


def test_a_canton_needs_its_province() -> None:
    assert wrong_fields({"canton": "1701"}) == ["canton"]
    assert wrong_fields({"province": "99"}) == ["province"]


@pytest.mark.parametrize(
    ("joined_on", "category"),
    [
        (TODAY, Category.NEW),
        (date(2025, 11, 21), Category.NEW),
        (date(2025, 11, 20), Category.REGULAR),
        (date(2016, 11, 20), Category.REGULAR),
        (date(2016, 11, 19), Category.LOYAL),
    ],
)
def test_the_category_follows_the_tenure(joined_on: date, category: Category) -> None:
    assert category_of(joined_on, TODAY) is category


def test_a_change_moves_only_what_differs_and_what_follows() -> None:
    assert complete_change(BEFORE, {"first_names": "Ana", "last_names": "Paz"}, TODAY) == {
        "last_names": "Paz",
        "search": "paz ana",
    }


def test_a_new_address_has_not_bounced() -> None:
    changed = complete_change(BEFORE, {"email": "otra@correo.example"}, TODAY)
    assert changed == {"email": "otra@correo.example", "mail_bounced": False}


def test_a_province_is_checked_against_the_stored_canton() -> None:
    with pytest.raises(Invalid) as caught:
        complete_change(BEFORE, {"province": "09"}, TODAY)
    assert caught.value.fields[0].field == "canton"


def test_a_category_by_hand_needs_a_reason_and_goes_back_to_tenure_without_one() -> None:
    with pytest.raises(Invalid):
        complete_change(BEFORE, {"category": Category.LOYAL}, TODAY)
    by_hand = {"category": Category.LOYAL, "category_reason": " Convenio "}
    assert complete_change(BEFORE, by_hand, TODAY) == {
        "category": Category.LOYAL,
        "category_reason": "Convenio",
    }
    stored = {**BEFORE, **by_hand}
    assert complete_change(stored, {"category": None}, TODAY) == {
        "category": Category.REGULAR,
        "category_reason": None,
    }


def test_a_new_joining_date_moves_the_category_unless_it_is_by_hand() -> None:
    sent = {"joined_on": date(2010, 1, 1)}
    assert complete_change(BEFORE, sent, TODAY)["category"] is Category.LOYAL
    by_hand = {**BEFORE, "category_reason": "Convenio"}
    assert "category" not in complete_change(by_hand, sent, TODAY)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ana@Ñandú.EC", "ana@xn--and-6ma2c.ec"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ],
)
def test_a_domain_of_other_letters_is_kept_as_it_is_sent_to(typed: str, kept: str) -> None:
    assert check({"email": typed}, TODAY)["email"] == kept


@pytest.mark.parametrize("typed", ["peña@correo.ec", "añ@ñandú.ec", "用户@correo.ec"])
def test_other_letters_before_the_at_are_refused(typed: str) -> None:
    with pytest.raises(Invalid) as error:
        check({"email": typed}, TODAY)
    assert "antes de la arroba" in error.value.fields[0].message
