"""identity: links by mail with which people choose a password, at first or anew."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.contract import SECRET, Id, Line, Model, procedure
from shared.scope import HOUSE, OPEN
from shared.words import Term

Password = Annotated[str, Field(min_length=10, max_length=200), SECRET]
LinkWord = Annotated[str, Field(max_length=100), SECRET]  # whoever has it may choose the password
Typed = Annotated[Line, Field(max_length=254), SECRET]  # somebody may type a password there


class LinkPurpose(Term):
    """Why somebody was sent a link."""

    INVITATION = "invitation", "Invitación"
    RESET = "reset", "Contraseña olvidada"


class LinkState(Term):
    """What became of a link and of the mail that it is in."""

    WAITING = "waiting", "En camino"
    SENT = "sent", "Enviado"
    FAILED = "failed", "No salió"
    USED = "used", "Usado"
    EXPIRED = "expired", "Vencido"
    VOID = "void", "Sin efecto"  # a later one, or another password, mail or state, took its place


class PasswordLink(Model):
    """The last link that was sent to a user, without its word."""

    purpose: LinkPurpose
    state: LinkState
    asked_at: datetime
    asked_by: str  # a user as people call them; empty: whoever opened the page of the log-in
    sent_at: datetime | None
    expires_at: datetime
    used_at: datetime | None
    failure: str  # why the mail did not go out, or may not have


class LinkHolder(Model):
    """Whom a link is for: told to who has it."""

    purpose: LinkPurpose
    username: str
    full_name: str


@procedure("identity", scope=OPEN)
def ask_password_reset(who: Typed, source: str) -> None:
    """Have a link sent to the user of this username or mail address, if there is one.

    The answer is the same, and as soon, whether there is. `source` is the caller's network address.

    Denied: too often, with the seconds to wait as field `retry_after`.
    """


@procedure("identity", scope=OPEN)
def get_link_holder(token: LinkWord) -> LinkHolder:
    """Get whom a link is for; it stays as good as it is.

    NotFound: it was used, is too old, or never was ours; which of these is not told.
    """


@procedure("identity", scope=OPEN)
def use_password_link(token: LinkWord, password: Password, source: str) -> LinkHolder:
    """Give the link's user this password; all sessions end, and the link with them.

    `source` is the caller's network address.

    NotFound: it was used, is too old, or never was ours; which of these is not told.
    Denied: too many were tried, with the seconds to wait as field `retry_after`.
    Invalid: the password is guessed with ease; the link stays good.
    """


@procedure("identity", scope=HOUSE)
def get_password_link(user_id: Id) -> PasswordLink | None:
    """Get what became of the last link that a user was sent to choose a password.

    Whether the mail went out, and whether the link was used; never the link. Null: there was none.

    NotFound: there is no such user.
    """


@procedure("identity", scope=HOUSE, in_person=True)
def send_invitation(user_id: Id) -> PasswordLink:
    """Invite a user who has no password yet once more.

    By a link in a mail to choose one; an earlier link ends.

    NotFound: there is no such user.
    Conflict: the user has a password already, or may not log in any more.
    Invalid: the user has no mail address.
    """
