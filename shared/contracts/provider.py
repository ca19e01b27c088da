"""identity's sign-in by the company's provider (OpenID Connect): all of it is checked there."""

from typing import Annotated

from pydantic import Field

from shared.contract import SECRET, Id, Model, procedure
from shared.personal import Shown
from shared.scope import HOUSE, OPEN, SELF

Word = Annotated[str, Field(min_length=1, max_length=4000), SECRET]  # of the browser's, and opaque


class ProviderWay(Model):
    """Where the browser goes to, and what it shows when it comes back: its own, for ten minutes."""

    address: Annotated[str, Shown("of the provider's page; nobody lives there")]
    kept: str  # sealed


@procedure("identity", scope=OPEN)
def begin_provider_log_in() -> ProviderWay:
    """Start a sign-in by the provider; `finish_provider_log_in` ends it.

    Conflict: there is no provider.
    Unavailable: it does not answer.
    """


@procedure("identity", scope=SELF, in_person=True)
def begin_provider_proof() -> ProviderWay:
    """Start a sign-in anew by which the actor shows who asks; `finish_provider_proof` ends it.

    Conflict: there is no provider, or the actor has no account there that is known.
    Unavailable: it does not answer.
    """


@procedure("identity", scope=SELF, in_person=True)
def finish_provider_proof(
    token: Annotated[str, SECRET], kept: Word, state: Word, code: Word, source: str
) -> None:
    """Take what the provider answered in place of the actor's password.

    For the session of the token, for ten minutes, and for one change of the second factor. The
    provider has to say (`auth_time`) that the actor signed in after it was asked.

    Denied: as `finish_provider_log_in`, or it is the account of somebody else.
    Conflict: there is no provider.
    Unavailable: it does not answer.
    """


@procedure("identity", scope=OPEN)
def find_provider_log_out() -> str | None:
    """Find the page that ends the provider's own session.

    None where there is no such page, or no provider, or it does not answer.
    """


@procedure("identity", scope=HOUSE, in_person=True)
def unlink_provider_account(user_id: Id) -> None:
    """Take the provider's account from a user, whose sessions end.

    The next sign-in there is a first one again.

    NotFound: there is no such user.
    Conflict: the user has none.
    """
