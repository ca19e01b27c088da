"""API tokens: what they are made of, when they open, and their SQL.

    pgn_<id, 10>_<secret, 43>

Ten signs by which a token is found, and a secret of 256 bits, of which only the SHA-256 is kept:
nobody guesses or tries out 256 bits, so a slow hash would cost each request and protect nothing.
"""

import hashlib
import ipaddress
import re
import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.identity import known, store
from services.identity.known import Known
from services.identity.models import ApiToken, User
from shared import clock, keyset
from shared.contract import Actor, Slice
from shared.contracts import identity as contract
from shared.contracts.identity import IN_PERSON, TokenRefusal, TokenState, UserState
from shared.contracts.tokens import LONGEST_DAYS, TOKEN_PREFIX
from shared.ecuador.dates import format_date
from shared.errors import Invalid, NotFound

_SIGNS = string.ascii_letters + string.digits
_ID, _SECRET = 10, 43  # 62 ** 43 > 2 ** 256
_FORM = re.compile(rf"{TOKEN_PREFIX}([0-9A-Za-z]{{{_ID}}})_([0-9A-Za-z]{{{_SECRET}}})")
TAKEN = "Ya hay un acceso con ese nombre que no está revocado. Elija otro."
NOT_IN_PERSON = "Un sistema no puede administrar usuarios, roles ni accesos. Quite ese permiso."


@dataclass(frozen=True)
class Found:
    """A token whose secret was shown, and its user as of this moment."""

    token: ApiToken
    user: Known

    @property
    def actor(self) -> Actor:
        """As rooms will know it: what its scopes and the user's role both allow."""
        allowed = self.user.actor.permissions & set(self.token.scopes) - IN_PERSON
        return self.user.actor.model_copy(
            update={"permissions": allowed, "system": self.token.name}
        )

    @property
    def expires_at(self) -> datetime:
        """The end of its last day in Ecuador."""
        end = self.token.expires_on + timedelta(days=1)
        return datetime.combine(end, time(), clock.GUAYAQUIL).astimezone(UTC)


def find(session: Session, shown: str) -> Found | None:
    """The token that was shown; None for what is none of ours.

    One statement finds it by id and hash together, so an id that exists with a wrong secret is
    answered as, and when, one that never was. What comparing hashes could tell by its time is the
    beginning of a hash, which leads to no secret.
    """
    parts = _FORM.fullmatch(shown)
    if parts is None:
        return None
    asked = {"token_id": parts[1], "secret_hash": _hash(parts[2])}
    row = session.execute(_STATEMENT, asked).one_or_none()
    return Found(row[-1], known.to_known(row)) if row is not None else None


_STATEMENT = (
    known.select_known()
    .add_columns(ApiToken)
    .join(ApiToken, ApiToken.user_id == User.id)
    .where(ApiToken.id == bindparam("token_id"))
    .where(ApiToken.secret_hash == bindparam("secret_hash"))
)


def refusal_of(found: Found, source: str) -> TokenRefusal | None:
    """Why it opens nothing now, from this address; None when it does."""
    state = _state(found.token, found.user.state)
    if state is not TokenState.RUNNING:
        return TokenRefusal(state.value)
    return None if _takes(found.token.networks, source) else TokenRefusal.ADDRESS


def _state(token: ApiToken, user: UserState) -> TokenState:
    if token.revoked_at is not None:
        return TokenState.REVOKED
    if token.expires_on < clock.today():
        return TokenState.EXPIRED
    return TokenState.RUNNING if user is UserState.ACTIVE else TokenState.STOPPED


def _takes(networks: list[str], source: str) -> bool:
    """Whether an address is in one of them; where there are none, any is."""
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in ipaddress.ip_network(network) for network in networks)


# --- making and revoking ---


def insert_token(session: Session, new: contract.NewToken, by: str) -> tuple[ApiToken, str]:
    """A new token and its value, which nobody can make again. Raises Invalid."""
    _check_end(new)
    user = _user_for(session, new)
    token_id, secret = _random(_ID), _random(_SECRET)
    values = new.model_dump(exclude={"username"}) | {
        "id": token_id,
        "secret_hash": _hash(secret),
        "user_id": user.actor.user_id,
        "scopes": sorted(set(new.scopes)),
        "created_by": by,
    }
    try:
        with session.begin_nested():
            token = session.execute(insert(ApiToken).values(values).returning(ApiToken))
            return token.scalar_one(), f"{TOKEN_PREFIX}{token_id}_{secret}"
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def _check_end(new: contract.NewToken) -> None:
    today = clock.today()
    last = today + timedelta(days=LONGEST_DAYS)
    if not today <= new.expires_on <= last:
        text = f"Elija un día entre hoy y el {format_date(last)}."
        raise Invalid.field("expires_on", text)


def _user_for(session: Session, new: contract.NewToken) -> Known:
    """In whose name the token asks, and who may do all that it shall. Raises Invalid."""
    user = store.find_user(session, new.username)
    found = known.find_known(session, user.id) if user else None
    if found is None or found.state is not UserState.ACTIVE:
        raise Invalid.field("username", "No hay un usuario activo con ese nombre.")
    if IN_PERSON & set(new.scopes):
        raise Invalid.field("scopes", NOT_IN_PERSON)
    if beyond := sorted(set(new.scopes) - found.actor.permissions):
        text = f"El rol de {found.actor.full_name} no tiene: {', '.join(beyond)}."
        raise Invalid.field("scopes", text)
    return found


def get_token(session: Session, token_id: str, *, lock: bool = False) -> ApiToken:
    """One token, the row locked when asked. Raises NotFound."""
    found = session.get(ApiToken, token_id, with_for_update=lock)
    if found is None:
        raise NotFound("El acceso no existe.")
    return found


def set_revoked(session: Session, token: ApiToken, by: str) -> None:
    """From now on it opens nothing."""
    token.revoked_at = clock.now()
    token.revoked_by = by
    session.flush()


def set_used(session: Session, token_id: str, source: str) -> None:
    """Note when and from where it was used last."""
    values = {"last_used_at": clock.now(), "last_source": source}
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(values))


# --- lists ---


def list_tokens(session: Session, after: str | None, limit: int) -> Slice[Any]:
    """(token, user), newest first."""
    order: keyset.Order = [ApiToken.created_at.desc(), ApiToken.id.desc()]
    return keyset.fetch(session, _WITH_USER, order, after, limit)


def list_of_user(session: Session, user_id: int) -> list[contract.Token]:
    """Those that act in a user's name now, by name."""
    query = _WITH_USER.where(User.id == user_id, ApiToken.revoked_at.is_(None))
    shown = [to_contract(row) for row in session.execute(query.order_by(ApiToken.name))]
    return [token for token in shown if token.state is TokenState.RUNNING]


_WITH_USER = select(ApiToken, User).join(User, User.id == ApiToken.user_id)


def show(session: Session, token: ApiToken) -> contract.Token:
    """As others may see it."""
    return to_contract((token, session.get_one(User, token.user_id)))


def to_contract(row: Any) -> contract.Token:
    """A row of `list_tokens`."""
    token, user, *_ = row
    told = contract.Token.model_fields.keys() - {"username", "full_name", "state"}
    return contract.Token(
        username=user.username,
        full_name=user.full_name,
        state=_state(token, user.state),
        **{name: getattr(token, name) for name in told},
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(length))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
