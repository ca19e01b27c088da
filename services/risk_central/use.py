"""How much clients asked today, as the door counts it (`meter`)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from redis import Redis

from services.risk_central.meter import USE
from shared import clock
from shared.contracts.soap_clients import SoapUse
from shared.redis import key

_EPOCH = date(1970, 1, 1)


def today(redis: Redis, names: Sequence[str]) -> dict[str, SoapUse]:
    """By client, in one round trip. Raises RedisError."""
    keys = [key(f"risk_central:soap:use:{name}") for name in names]
    found: Any = redis.mget(keys) if keys else []
    return {name: _use(packed) for name, packed in zip(names, found, strict=True)}


def _use(packed: bytes | None) -> SoapUse:
    if packed is None:
        return SoapUse(asked=0, persons=0, refused=0, last_at=None)
    _, day, asked, persons, refused, _, last = USE.unpack(packed)
    last_at = datetime.fromtimestamp(last / 1000, UTC)
    if int(day) != (clock.today() - _EPOCH).days:
        return SoapUse(asked=0, persons=0, refused=0, last_at=last_at)
    return SoapUse(asked=int(asked), persons=int(persons), refused=int(refused), last_at=last_at)
