"""identity's second factor: a code of the user's telephone after the password (RFC 6238)."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.contract import SECRET, Id, Model, procedure
from shared.scope import HOUSE, SELF


def _without_spaces(text: str) -> str:
    """People type `123 456`, and recovery codes with the hyphens that they are shown with."""
    return text.replace(" ", "").replace("-", "").lower()


Code = Annotated[
    str, Field(min_length=1, max_length=60), AfterValidator(_without_spaces), SECRET
]  # six digits, or a recovery code
_Password = Annotated[str, Field(max_length=200), SECRET]


class Ticket(Model):
    """What stands for a first factor that was right, until the code comes: once, for minutes."""

    ticket: Annotated[str, SECRET]
    expires_at: datetime


class SecondStep(Model):
    """The ticket of a log-in, and a code of the telephone or a recovery code."""

    ticket: Annotated[str, Field(max_length=200), SECRET]
    code: Code


class SecondFactor(Model):
    """How the actor's second factor is."""

    since: datetime | None  # None: there is none
    codes_left: int  # recovery codes that were not used
    required: bool  # by the actor's role
    by_password: bool = True  # how the actor may show who asks …
    by_provider: bool = False
    proved_until: datetime | None = None  # … and did, by the provider, for this session


class NewSecret(Model):
    """What a telephone has to know from now on; it counts when a code of it was confirmed."""

    secret: Annotated[str, SECRET]  # base32, for typing
    uri: Annotated[str, SECRET]  # otpauth://…, for a QR code


class RecoveryCodes(Model):
    """Shown once: afterwards nobody can tell them."""

    codes: Annotated[list[str], SECRET]


@procedure("identity", scope=SELF)
def get_second_factor(token: Annotated[str, SECRET]) -> SecondFactor:
    """Get how the actor's second factor is; `token` is that of the session that asks."""


@procedure("identity", scope=SELF, in_person=True)
def prepare_second_factor() -> NewSecret:
    """Get the secret that the actor's telephone is to learn.

    The same one for a quarter of an hour, or until it is confirmed. Nothing counts yet.
    """


@procedure("identity", scope=SELF, in_person=True)
def set_second_factor(
    token: Annotated[str, SECRET],
    password: _Password,
    code: Code,
    source: str,
    present: Code | None = None,
) -> RecoveryCodes:
    """Turn the prepared secret into the actor's second factor; the other sessions end.

    `code` is one of the new telephone, `present` one of the factor that it replaces, if any. An
    empty password is enough after `finish_provider_proof`; so it is with the other doors here.

    Denied: too many wrong ones were given, with the seconds to wait as field `retry_after`.
    Conflict: it is too long ago that the secret was prepared.
    Invalid: the password or a code is wrong.
    """


@procedure("identity", scope=SELF, in_person=True)
def renew_recovery_codes(
    token: Annotated[str, SECRET], password: _Password, code: Code, source: str
) -> RecoveryCodes:
    """Give the actor ten new recovery codes; the former ones are good for nothing.

    Denied: too many wrong ones were given, with the seconds to wait as field `retry_after`.
    Conflict: the actor has no second factor.
    Invalid: the password or the code is wrong.
    """


@procedure("identity", scope=SELF, in_person=True)
def remove_second_factor(
    token: Annotated[str, SECRET], password: _Password, code: Code, source: str
) -> None:
    """Let the password be enough for the actor again; the other sessions end.

    Denied: too many wrong ones were given, with the seconds to wait as field `retry_after`.
    Conflict: the actor's role requires it, or there is none.
    Invalid: the password or the code is wrong.
    """


@procedure("identity", scope=HOUSE, in_person=True)
def reset_second_factor(user_id: Id) -> None:
    """Take away the second factor of a user who lost the telephone.

    The user's sessions end; who has to have one sets it up after the next log-in.

    NotFound: there is no such user.
    Conflict: the user has none, or is the one who asks.
    """
