"""The Redis server, for rooms that keep short-lived or in-memory things there."""

from typing import Any

from nameko.extensions import DependencyProvider
from redis import Redis

from shared.settings import settings


def connect() -> Redis:
    """A client with short timeouts and its own pool; safe to share between workers."""
    return Redis.from_url(settings().redis_url, socket_timeout=2, socket_connect_timeout=2)


class RedisClient(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives a room `self.redis`."""

    def setup(self) -> None:
        """Make the client; it connects at first use."""
        self.client = connect()

    def stop(self) -> None:
        """Close its connections."""
        self.client.close()

    def get_dependency(self, worker_ctx: Any) -> Redis:  # noqa: ARG002  # nameko's signature
        """The client, the same for every worker."""
        return self.client
