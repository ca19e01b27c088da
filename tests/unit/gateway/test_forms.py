"""Forms: read as people write, kept when wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import Field

from services.gateway.forms import Form
from shared.contract import Model
from shared.errors import Conflict, FieldError, Invalid


class Plan(Model):
    """Every kind of field."""

    name: Annotated[str, Field(min_length=3)]
    budget: Decimal
    starts_on: date | None = None
    send_at: datetime | None = None
    share: float = 0
    channels: Annotated[list[str], Field(min_length=1)]
    active: bool = True


def typed(**values: str | list[str]) -> Form:
    """A form as a browser sends it."""
    usual = {"name": "Fibra", "budget": "1.234,50", "channels": ["mail"]}
    return Form({k: [v] if isinstance(v, str) else v for k, v in {**usual, **values}.items()})


def test_parse_reads_what_people_write() -> None:
    form = typed(
        starts_on="20/11/2026",
        send_at="2026-11-20T14:05",
        share="0,1",
        channels=["mail", "phone", ""],
        active=["false", "true"],
    )
    plan = form.parse(Plan)
    assert plan.budget == Decimal("1234.50")
    assert plan.starts_on == date(2026, 11, 20)
    assert plan.send_at is not None
    assert plan.send_at.astimezone(UTC) == datetime(2026, 11, 20, 19, 5, tzinfo=UTC)
    assert plan.share == 0.1
    assert plan.channels == ["mail", "phone"]
    assert plan.active is True


def test_parse_names_every_wrong_field() -> None:
    form = typed(name=" ", budget="mucho", starts_on="ayer", channels=[""], send_at="luego")
    with pytest.raises(Invalid) as caught:
        form.parse(Plan)
    wrong = {item.field: item.message for item in caught.value.fields}
    assert set(wrong) == {"name", "budget", "starts_on", "channels", "send_at"}
    assert wrong["name"] == "Este campo es obligatorio."
    assert wrong["channels"] == "Elija al menos 1."


def test_failed_form_keeps_values_and_shows_errors() -> None:
    error = Invalid("Revise.", [FieldError("name", "Ya existe."), FieldError("owner", "Falta.")])
    form = typed().failed(error)
    assert (form.value("name"), form.error("name"), form.error("budget")) == (
        "Fibra",
        "Ya existe.",
        "",
    )
    assert form.loose_errors == ["Falta."]
    assert (form.status, form.message) == (422, "Revise.")


def test_failed_form_does_not_say_a_fields_error_twice() -> None:
    assert typed().failed(Invalid.field("name", "Ya existe.")).message == "Hay datos por corregir."


def test_failed_by_conflict_has_its_status() -> None:
    assert typed().failed(Conflict("Ya empezó.")).status == 409


def test_form_of_a_model_parses_to_the_same_model() -> None:
    plan = typed(starts_on="2026-11-20", send_at="2026-11-20T14:05", active="false").parse(Plan)
    form = Form.of(plan)
    assert form.value("budget") == "1.234,50"
    assert form.value("send_at") == "2026-11-20T14:05"
    assert form.parse(Plan) == plan


def test_missing_file_is_an_error_at_its_field() -> None:
    with pytest.raises(Invalid) as caught:
        Form().file("file")
    assert caught.value.fields[0].field == "file"
