"""The Redis server, for rooms that keep short-lived or in-memory things there."""

from typing import Any

from nameko.extensions import DependencyProvider
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from shared import tls
from shared.settings import settings

HEALTH_SECONDS = 10  # a connection that was idle for longer is tried before it is trusted
TIMEOUT_SECONDS = 2.0
# In 3.5 s, less than a call may take; only of a connection that broke, never of a silent server
RETRIES = 11


def connect(
    url: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS, retries: int = RETRIES
) -> Redis:
    """A client with short timeouts and its own pool; safe to share between workers.

    It connects at first use. A server that was restarted in between costs nobody an answer.
    """
    return Redis.from_url(
        tls.redis_url(url or settings().redis_url, settings().ca_file),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        health_check_interval=HEALTH_SECONDS,
        retry=Retry(
            ExponentialBackoff(cap=0.4, base=0.025),
            retries,
            supported_errors=(RedisConnectionError,),
        ),
    )


def key(name: str) -> str:
    """Name of a key; as it is written here in the default namespace."""
    namespace = settings().namespace
    return name if namespace == "pregon" else f"{namespace}:{name}"


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
