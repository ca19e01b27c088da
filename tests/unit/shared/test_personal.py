"""What is shown of a value in part, and that no contract forgets to say what is personal."""

import re
from collections.abc import Iterator
from decimal import Decimal
from inspect import isclass
from typing import Annotated, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from shared import personal
from shared.contract import Model, Page, Procedure
from shared.contracts.customer_query import Customer, CustomerPermission, PersonalField, Revealed
from shared.permissions import Role, granted, list_permissions
from shared.personal import CEDULA, HIDDEN, INCOME, MAIL, NOTHING, PHONE, Kind, Shown
from tests.unit.shared.test_contracts import members

# --- masks ---


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (personal.mask_cedula, "1710034065", "171•••••65"),
        (personal.mask_cedula, "1710034065001", "171••••••••01"),
        (personal.mask_cedula, "17100340", NOTHING),
        (personal.mask_cedula, "borrado-7", "borrado-7"),
        (personal.mask_phone, "+593991234567", "09•••••567"),
        (personal.mask_phone, "0991234567", "09•••••567"),
        (personal.mask_phone, "+59322345678", "02••••678"),
        (personal.mask_phone, "+12025550123", "+1•••••••123"),
        (personal.mask_phone, "12345678", NOTHING),
        (personal.mask_mail, "maria@correo.example", "m•••@correo.example"),
        (personal.mask_mail, "m@correo.example", "•••@correo.example"),
        (personal.mask_mail, "maria", NOTHING),
        (personal.mask_words, "550 5.1.1 <ana@x.ec>: no", "550 5.1.1 <a•••@x.ec>: no"),
        (personal.mask_words, "Llame al 099 123 4567.", "Llame al •••."),
        (personal.mask_reason, "La cédula «17» no es válida.", "La cédula «•••» no es válida."),
        (personal.RATING.mask, "Calificación A1. Para venta", "Calificación •••. Para venta"),
    ],
)
def test_a_value_is_shown_in_part(mask: Any, value: str, shown: str) -> None:
    assert mask(value) == shown


NO_MARKS = st.text(st.characters(exclude_characters=HIDDEN), max_size=40)


@given(NO_MARKS)
def test_a_cedula_shows_three_and_two_at_most(value: str) -> None:
    shown = personal.mask_cedula(value)
    if not value.startswith(personal.ERASED):
        assert re.fullmatch(r"(?s)(.{3}•{4,}.{2}|•••)", shown)
        assert shown == NOTHING or (value[:3], value[-2:]) == (shown[:3], shown[-2:])


@given(st.one_of(NO_MARKS, st.from_regex(r"\A(\+593|0)\d{0,10}\Z")))
def test_a_number_shows_two_and_three_at_most(value: str) -> None:
    assert re.fullmatch(r"(?s)(.{2}•{4,}.{3}|•••)", personal.mask_phone(value))


@given(NO_MARKS)
def test_an_address_shows_one_character_before_its_domain(value: str) -> None:
    before, at, domain = personal.mask_mail(value).rpartition("@")
    if not at:
        assert "@" not in value
        return
    assert domain == value.rpartition("@")[2]
    name = value.rpartition("@")[0]
    assert before == (f"{name[0]}{NOTHING}" if len(name) > 1 else NOTHING)


@given(NO_MARKS, NO_MARKS)
def test_a_home_is_not_shown_at_all(one: str, other: str) -> None:
    assert personal.ADDRESS.hide(one) == personal.ADDRESS.hide(other) == NOTHING
    assert INCOME.hide(Decimal(len(one))) is None


# --- replies ---


class Row(Model):
    cedula: Annotated[str, CEDULA]
    income: Annotated[Decimal | None, INCOME] = None
    mails: Annotated[list[str], MAIL] = Field(default_factory=list)
    open: str = "1710034065"
    masked: list[str] = Field(default_factory=list)


class Report(Model):
    rows: list[Row]
    one: Row | None = None
    by_name: dict[str, Row] = Field(default_factory=dict)


def test_a_reply_names_what_it_hides_wherever_it_is() -> None:
    row = Row(cedula="1710034065", income=Decimal(500), mails=["ana@x.ec"])
    page = personal.hide(Page[Report](items=[Report(rows=[row], one=row, by_name={"a": row})]))
    hidden = Row(
        cedula="171•••••65",
        mails=["a•••@x.ec"],
        masked=["cedula", "income", "mails"],
    )
    assert page.items == [Report(rows=[hidden], one=hidden, by_name={"a": hidden})]
    assert row.cedula == "1710034065"


def test_a_page_that_does_not_say_of_what_it_is_is_looked_through() -> None:
    page: Page[Row] = personal.hide(Page(items=[Row(cedula="1710034065")]))
    assert page.items[0].cedula == "171•••••65"


def test_what_is_empty_is_not_said_to_be_hidden() -> None:
    assert personal.hide(Row(cedula="")).masked == []


def test_who_may_see_it_whole_does() -> None:
    row = Row(cedula="1710034065", income=Decimal(500))
    assert personal.hide(row, {personal.SEEN_BY}) == row


@pytest.mark.parametrize("asked", ["1710034065", "1710034065001"])
def test_a_search_for_a_whole_cedula_is_known_to_have_found_it(asked: str) -> None:
    assert personal.is_cedula(asked, asked)
    assert personal.is_cedula(asked, personal.mask_cedula(asked))
    assert not personal.is_cedula("171•••••65", "171•••••65")
    assert not personal.is_cedula("171", NOTHING)
    assert not personal.is_cedula("1710034065", "171•••••66")


# --- contracts ---

# Names under which a contract holds what is personal of a customer, and types that stand for it
KNOWN = re.compile(
    r"(^|_)(cedula|ruc|income|address|e?mails?|phones?|score|total_debt|days_overdue)($|_)"
)
# Of channels, not of people
OPEN = {"mail_subject", "mail_block", "phone_block", "blocked_mail", "blocked_phone"}
# Credit data is seen by who may check it, with a purpose, on record: who it is of is hidden.
BY_PURPOSE = {"score", "total_debt", "days_overdue"}
FIGURES = {bool, int, float}  # consents, blocks and counts that are named after a channel


def models(kind: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    if kind in seen:
        return
    if isinstance(kind, TypeAliasType):
        seen.add(kind)
        yield from models(kind.__value__, seen)
    elif isclass(kind) and issubclass(kind, BaseModel):
        seen.add(kind)
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation, seen)
    else:
        for part in get_args(kind):
            yield from models(part, seen)


def replies() -> list[tuple[Procedure[..., Any], type[BaseModel]]]:
    return [
        (procedure, model)
        for procedure in members(Procedure)
        for model in models(procedure.reply, set())
    ]


def test_no_reply_holds_what_is_personal_without_saying_so() -> None:
    forgotten = {
        f"{model.__name__}.{name}"
        for _, model in replies()
        for name, field in model.model_fields.items()
        if KNOWN.search(name)
        and name not in BY_PURPOSE | OPEN
        and not _is_figure(field.annotation)
        and not any(isinstance(mark, Kind | Shown) for mark in field.metadata)
    }
    assert forgotten == set()


def _is_figure(kind: Any) -> bool:
    """A figure or a consent; a model is looked at for itself."""
    inner = [part for part in get_args(kind) or (kind,) if part is not type(None)]
    return all(part in FIGURES or (isclass(part) and issubclass(part, BaseModel)) for part in inner)


def test_the_walk_sees_what_it_should() -> None:
    found = {model.__name__ for _, model in replies()}
    assert {"Customer", "CustomerRow", "Member", "Recipient", "CallCustomer", "RiskReport"} <= found
    assert len(replies()) > 50


def test_every_reply_that_hides_says_what() -> None:
    silent = {
        model.__name__
        for procedure, model in replies()
        if any(personal.kind_of(field) for field in model.model_fields.values())
        and "masked" not in model.model_fields
    }
    assert silent == {"RiskReport"}  # of `find_risks`, which whoever may ask it sees whole


def test_every_kind_is_seen_by_a_permission_that_exists() -> None:
    codes = {permission.value for permission in list_permissions()}
    asked = {procedure.whole for procedure, _ in replies()} - {None}
    asked |= {
        kind.seen_by
        for _, model in replies()
        for field in model.model_fields.values()
        if (kind := personal.kind_of(field))
    }
    assert asked <= codes
    assert personal.SEEN_BY in asked


def test_what_may_be_revealed_is_what_a_profile_hides() -> None:
    hidden = {name for name, field in Customer.model_fields.items() if personal.kind_of(field)}
    assert hidden == set(PersonalField) == set(Revealed.model_fields)


def test_who_sees_all_needs_to_reveal_nothing() -> None:
    for role in Role:
        assert not granted(role) >= {CustomerPermission.PERSONAL, CustomerPermission.REVEAL}
    assert [role for role in Role if CustomerPermission.PERSONAL in granted(role)] == ["backoffice"]


def test_the_record_hashes_what_is_personal() -> None:
    assert personal.names() >= {
        "address",
        "birth_on",
        "category_reason",
        "cedula",
        "email",
        "first_names",
        "full_name",
        "gender",
        "income",
        "last_names",
        "other_phones",
        "phone",
    }
    assert PHONE.hide(["+593991234567"]) == ["09•••••567"]
