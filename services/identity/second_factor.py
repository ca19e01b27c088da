"""Codes of a telephone (TOTP, RFC 6238) and recovery codes: what is taken, and once only."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.identity import seals
from services.identity.models import RecoveryCode, SecondFactor
from shared import clock, log

DRIFT = 1  # steps of 30 seconds that a telephone's clock may be off, either way
RECOVERY_CODES = 10
ISSUER = "Pregón"
_BYTES = 10  # of a recovery code: 80 bits, so that a plain hash of it leads nowhere
_DIGITS = re.compile(r"\d{6}", re.ASCII)
logger = log.get(__name__)


def make_secret() -> str:
    """160 bits, as RFC 4226 asks for."""
    return pyotp.random_base32()


def uri(secret: str, username: str) -> str:
    """As telephones read it from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def find_step(secret: str, code: str, at: datetime) -> int | None:
    """Of which step around this moment the code is; None of none."""
    totp = pyotp.TOTP(secret)
    now = totp.timecode(at)
    steps = range(now - DRIFT, now + DRIFT + 1)
    return next((one for one in steps if hmac.compare_digest(totp.generate_otp(one), code)), None)


def find_factor(session: Session, user_id: int) -> SecondFactor | None:
    """The user's, if any."""
    return session.get(SecondFactor, user_id)


def count_codes(session: Session, user_id: int) -> int:
    """Recovery codes that were not used."""
    left = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return session.execute(left).scalar_one()


def is_digits(code: str) -> bool:
    """Whether it is a telephone's code; otherwise it can only be for recovery."""
    return _DIGITS.fullmatch(code) is not None


def use(session: Session, user_id: int, code: str) -> bool:
    """Whether the code is good; then it is so never again, when this transaction commits."""
    return (_use_step if is_digits(code) else _use_recovery)(session, user_id, code)


def _use_step(session: Session, user_id: int, code: str) -> bool:
    """Neither this step's code nor an earlier one is taken again: of two at once one comes late."""
    factor = find_factor(session, user_id)
    secret = seals.unseal(user_id, factor.sealed) if factor else None
    if secret is None:
        if factor:
            logger.error("second factor unreadable: its key is gone", user_id=user_id)
        return False
    step = find_step(secret, code, clock.now())
    if step is None:
        return False
    is_next = (SecondFactor.user_id == user_id) & (SecondFactor.last_step < step)
    used = update(SecondFactor).where(is_next).values(last_step=step)
    return session.execute(used.returning(SecondFactor.user_id)).first() is not None


def _use_recovery(session: Session, user_id: int, code: str) -> bool:
    is_good = (RecoveryCode.user_id == user_id) & (RecoveryCode.hash == _hash(user_id, code))
    used = update(RecoveryCode).where(is_good, RecoveryCode.used_at.is_(None))
    taken = used.values(used_at=clock.now()).returning(RecoveryCode.user_id)
    return session.execute(taken).first() is not None


def set_factor(session: Session, user_id: int, secret: str, step: int) -> None:
    """The user's from now on, instead of any other; `step` is that of the code that proved it."""
    values = {"sealed": seals.seal(user_id, secret), "last_step": step, "since": clock.now()}
    row = upsert(SecondFactor).values(user_id=user_id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))


def remove_factor(session: Session, user_id: int) -> bool:
    """With its recovery codes; False where there was none."""
    gone = delete(SecondFactor).where(SecondFactor.user_id == user_id)
    return session.execute(gone.returning(SecondFactor.user_id)).first() is not None


def make_codes(session: Session, user_id: int) -> list[str]:
    """New recovery codes, as people write them; the former ones are gone."""
    codes = [_make_code() for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    rows = [{"user_id": user_id, "hash": _hash(user_id, code)} for code in codes]
    session.execute(insert(RecoveryCode), rows)
    return ["-".join(re.findall("....", code)) for code in codes]


def _make_code() -> str:
    """Letters and the digits 2 to 7: none looks like another."""
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()


def _hash(user_id: int, code: str) -> str:
    return hashlib.sha256(f"{user_id}:{code}".encode()).hexdigest()


def renew_seals(session: Session) -> int:
    """Seal with the present key what a former one has sealed; returns how many."""
    renewed = 0
    for factor in session.scalars(select(SecondFactor).with_for_update()):
        if sealed := seals.renew(factor.sealed):
            factor.sealed = sealed
            renewed += 1
    return renewed
