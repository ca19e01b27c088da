"""Invitations, the addresses that letters go to, and what became of the letters."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from services.identity import sessions
from shared import clock, trace
from shared.contracts.audit import Audited
from shared.contracts.identity import (
    LinkPurpose,
    LinkState,
    UserChange,
    UserState,
)
from shared.contracts.mailer import LetterEnded, LetterTemplate, RecipientState
from shared.errors import Conflict, Denied, Invalid, NotFound
from shared.permissions import Role
from tests.databases import audited_of
from tests.make.actors import make_actor
from tests.rooms.identity.links import (
    HERE,
    MAIL,
    OTHER,
    Sessions,
    ask,
    invite,
    is_good,
    last,
    letters,
    links,
    make,
    nobody,
    read,
)


@pytest.fixture
def db(identity: Any) -> Sessions:
    found: Sessions = identity.db
    return found


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`moment(minutes)` moves the clock, which stands still otherwise."""
    now = [datetime(2026, 11, 22, 15, 0, 10, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def move(minutes: float) -> None:
        now[0] += timedelta(minutes=minutes)

    return move


@pytest.fixture(autouse=True)
def rosa(identity: Any) -> Any:
    """Somebody has to be left who administers users."""
    return make(identity, "rosa", role=Role.ADMIN, email=None)


@pytest.fixture
def ana(identity: Any) -> Any:
    return make(identity)


# --- invitations ---


def test_an_invited_user_chooses_the_first_password(
    identity: Any, db: Sessions, redis: Redis
) -> None:
    with trace.use(actor=make_actor("rosa", Role.ADMIN)):
        eva = invite(identity, username="eva")
    assert (eva.state, eva.invited) == (UserState.INVITED, True)
    with pytest.raises(Denied, match="no son correctos"):
        identity.log_in("eva", "", HERE)
    (letter,) = letters(db)
    assert (letter["template"], letter["fields"]["lasts"]) == (
        LetterTemplate.PASSWORD_INVITATION,
        "72 horas",
    )
    link = identity.get_password_link(eva.id)
    assert (link.purpose, link.state) == (LinkPurpose.INVITATION, LinkState.WAITING)
    assert link.asked_by == make_actor("rosa", Role.ADMIN).full_name
    identity.use_password_link(read(letter), OTHER, HERE)
    assert identity.get_user(eva.id).state is UserState.ACTIVE
    assert identity.log_in("eva", OTHER, HERE).actor.username == "eva"
    assert sessions.list_open(redis, eva.id)
    assert identity.get_password_link(eva.id).state is LinkState.USED


def test_an_invitation_is_sent_again_and_only_to_who_has_no_password(
    identity: Any, ana: Any, db: Sessions
) -> None:
    eva = invite(identity, username="eva", email="eva@correo.example")
    first = last(db)
    again = identity.send_invitation(eva.id)
    assert again.state is LinkState.WAITING
    assert not is_good(identity, first)
    assert is_good(identity, last(db))
    with pytest.raises(Conflict, match="ya tiene"):
        identity.send_invitation(ana.id)
    identity.update_user(eva.id, UserChange.to(email=None))
    with pytest.raises(Invalid) as error:
        identity.send_invitation(eva.id)
    assert error.value.names("email")
    identity.update_user(eva.id, UserChange.to(email=MAIL.replace("ana", "eva"), active=False))
    with pytest.raises(Conflict, match="no puede ingresar"):
        identity.send_invitation(eva.id)


def test_who_has_neither_password_nor_mail_is_not_made(identity: Any) -> None:
    with pytest.raises(Invalid) as error:
        invite(identity, email=None)
    assert error.value.names("email")
    with pytest.raises(Invalid, match="correo no es válido"):
        invite(identity, email="ana@")


def test_no_change_takes_a_password_away(identity: Any, ana: Any) -> None:
    with pytest.raises(ValueError, match="password"):
        UserChange.to(password=None)


def test_the_last_administrator_is_none_who_was_only_invited(identity: Any, rosa: Any) -> None:
    invite(identity, username="eva", role=Role.ADMIN, email="eva@correo.example")
    with pytest.raises(Conflict):
        identity.update_user(rosa.id, UserChange.to(active=False))


# --- addresses ---


def test_an_address_is_one_active_users_however_it_is_written(identity: Any, ana: Any) -> None:
    with pytest.raises(Invalid) as error:
        make(identity, "otra", email="ANA@Correo.example")
    assert error.value.names("email")
    identity.update_user(ana.id, UserChange.to(active=False))
    other = make(identity, "otra", email="ANA@Correo.example")
    assert other.email == MAIL
    with pytest.raises(Invalid) as error:
        identity.update_user(ana.id, UserChange.to(active=True))
    assert error.value.names("email")
    third = make(identity, "tercera", email=None)
    with pytest.raises(Invalid) as error:
        identity.update_user(third.id, UserChange.to(email=MAIL))
    assert error.value.names("email")


# --- what became of the mail ---


def hear(identity: Any, letter: dict[str, Any], state: RecipientState, **values: Any) -> None:
    told = {"reference": letter["reference"], "template": letter["template"], "state": state}
    ended = LetterEnded.model_validate(told | {"reason": "", "at": clock.now()} | values)
    identity.on_letter_ended(uuid4(), ended)


def test_an_administrator_sees_whether_the_mail_went_out(
    identity: Any, ana: Any, db: Sessions
) -> None:
    assert identity.get_password_link(ana.id) is None
    ask(identity, db)
    (letter,) = links(db)
    hear(identity, letter, RecipientState.FAILED, reason="550 no such user")
    found = identity.get_password_link(ana.id)
    assert (found.state, found.failure) == (LinkState.FAILED, "550 no such user")
    hear(identity, letter, RecipientState.SENT)
    found = identity.get_password_link(ana.id)
    assert (found.state, found.failure) == (LinkState.SENT, "")
    assert found.sent_at is not None


def test_the_time_of_a_link_begins_when_the_mail_is_out(
    identity: Any, ana: Any, db: Sessions, moment: Callable[[float], None]
) -> None:
    """A mail server that is down for an hour makes nobody's link too old."""
    ask(identity, db)
    moment(60)
    assert not is_good(identity, last(db))
    hear(identity, links(db)[-1], RecipientState.SENT)
    moment(29)
    assert is_good(identity, last(db))
    moment(1)
    assert not is_good(identity, last(db))


def test_a_used_link_and_a_replaced_one_get_no_new_time(
    identity: Any, ana: Any, db: Sessions
) -> None:
    ask(identity, db)
    first = links(db)[-1]
    ask(identity, db)
    hear(identity, first, RecipientState.SENT)
    assert not is_good(identity, read(first))
    identity.use_password_link(last(db), OTHER, HERE)
    hear(identity, links(db)[-1], RecipientState.SENT)
    assert not is_good(identity, last(db))


def test_the_record_tells_it_in_sentences(identity: Any, ana: Any, db: Sessions) -> None:
    ask(identity, db)
    with nobody():
        identity.use_password_link(last(db), OTHER, HERE)
        with pytest.raises(NotFound):
            identity.use_password_link(last(db), OTHER, HERE)
    for line in audited_of(db):
        identity.on_audited(uuid4(), Audited.model_validate(line))
    with trace.use(actor=make_actor("rosa", Role.ADMIN)):
        found = [entry.sentence for entry in identity.list_audit().items]
    assert found[:4] == [
        "El sistema (identity) rechazó un enlace para la contraseña del usuario ana",
        "Ana Mora (asesor) eligió por un enlace la contraseña del usuario ana",
        "El sistema (identity) envió un enlace para la contraseña del usuario ana",
        "El sistema (identity) recibió el pedido de una contraseña nueva del usuario ana",
    ]
