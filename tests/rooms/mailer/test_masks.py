"""Whom a run went to: addresses in part, whole only as a file for a reason that is on record."""

from typing import Any

import pytest
from sqlalchemy import update

from services.mailer.models import Recipient
from shared import trace
from shared.contracts.exports import ExportReason, ExportWhy
from shared.contracts.mailer import RecipientState
from shared.errors import Denied, Invalid
from shared.permissions import Role
from tests.databases import audited_of
from tests.make.actors import make_actor
from tests.rooms.mailer.conftest import add_run

CAMPAIGN = ExportWhy(reason=ExportReason.CAMPAIGN)
WORDS = "550 5.1.1 <c1@correo.example>: Recipient address rejected"
NO_EXPORT = make_actor("sara", Role.SUPERVISOR)
SEES_ALL = make_actor("bea", Role.BACKOFFICE)


@pytest.fixture
def run(sessions: Any) -> int:
    number = add_run(sessions, {"failed": 1})
    with sessions.begin() as session:
        session.execute(update(Recipient).values(reason=WORDS))
    return number


def test_an_address_is_shown_in_part_also_in_a_servers_words(mailer: Any, run: int) -> None:
    [row] = mailer.list_recipients(run).items
    assert (row.email, row.full_name) == ("c•••@correo.example", "Ana Mora")
    assert row.reason == WORDS.replace("c1@", "c•••@")
    assert row.masked == ["email", "reason"]
    with trace.use(actor=SEES_ALL):
        [row] = mailer.list_recipients(run).items
    assert (row.email, row.reason, row.masked) == ("c1@correo.example", WORDS, [])


def test_a_file_has_addresses_for_a_reason_that_is_on_record(
    mailer: Any, run: int, sessions: Any
) -> None:
    [row] = mailer.export_recipients(run, RecipientState.FAILED, CAMPAIGN).items
    assert (row.email, row.reason) == ("c1@correo.example", WORDS)
    [line] = audited_of(sessions)
    assert (line["action"], line["purpose"], line["listed"]) == ("listed", "Campaña", [1])


@pytest.mark.parametrize("actor", [make_actor(), SEES_ALL])
def test_without_a_reason_a_file_is_masked_for_everybody(mailer: Any, run: int, actor: Any) -> None:
    with trace.use(actor=actor):
        [row] = mailer.export_recipients(run, RecipientState.FAILED).items
    assert (row.email, row.masked) == ("c•••@correo.example", ["email", "reason"])


@pytest.mark.parametrize("actor", [NO_EXPORT, SEES_ALL])
def test_a_reason_does_not_stand_for_the_permission(
    mailer: Any, run: int, sessions: Any, actor: Any
) -> None:
    with trace.use(actor=actor), pytest.raises(Denied):
        mailer.export_recipients(run, RecipientState.FAILED, CAMPAIGN)
    assert audited_of(sessions) == []


@pytest.mark.parametrize("words", ["", "  corto   ", "." * 9])
def test_another_reason_is_said(mailer: Any, run: int, sessions: Any, words: str) -> None:
    why = ExportWhy(reason=ExportReason.OTHER, words=words)
    with pytest.raises(Invalid) as error:
        mailer.export_recipients(run, RecipientState.FAILED, why)
    assert [item.field for item in error.value.fields] == ["words"]
    said = ExportWhy(reason=ExportReason.OTHER, words=" Cotejo con el proveedor ")
    mailer.export_recipients(run, RecipientState.FAILED, said)
    assert audited_of(sessions)[0]["purpose"] == "Cotejo con el proveedor"
