"""The room beside the SOAP server. Persons are asked for over SOAP and loaded by `load.py`."""

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.errors import Unavailable
from shared.redis import RedisClient
from shared.room import Room, check_health
from shared.rpc import query


class RiskCentralService(Room):
    """The bureau's state."""

    name = "risk_central"

    redis: Redis = RedisClient()

    @query(check_health)
    def check_health(self, session: Session) -> str:
        """Ready when the persons can be reached, too. Raises Unavailable."""
        session.execute(text("SELECT 1"))
        try:
            self.redis.ping()
        except RedisError:
            raise Unavailable("Redis no responde.") from None
        return "ok"
