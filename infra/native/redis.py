"""A private Redis server that keeps what it holds over a restart."""

import shutil

from redis import Redis

from infra.native.errors import StackError
from infra.native.programs import Program
from infra.native.run import Run, write_private
from shared import tls

_CONFIG = """\
bind 127.0.0.1
port {port}
aclfile "{dir}/users.acl"
dir "{dir}"
appendonly {durable}
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def url(run: Run) -> str:
    """Where the private server will answer."""
    password, port = run.generated.secret("redis"), run.generated.port("redis")
    return f"redis://:{password}@127.0.0.1:{port}/0"


def check(url: str, ca_file: str = "") -> None:
    """Log in and ping. Raises an error whose text says what is wrong."""
    with Redis.from_url(
        tls.redis_url(url, ca_file), socket_timeout=2, socket_connect_timeout=2
    ) as client:
        client.ping()


def prepare(run: Run) -> Program:
    """Write the server's settings. Raises StackError when it is not installed."""
    server = shutil.which("redis-server")
    if server is None:
        raise StackError(
            "Redis is not installed: apt-get install redis-server, "
            "or set PREGON_REDIS_URL to a server."
        )
    home = run.path / "redis"
    home.mkdir(exist_ok=True)
    text = _CONFIG.format(
        port=run.generated.port("redis"),
        dir=home,
        durable="yes" if run.durable else "no",
    )
    write_private(home / "redis.conf", text)
    password = run.generated.secret("redis")  # of who makes the others (`infra.accounts`)
    write_private(home / "users.acl", f"user default on >{password} ~* &* +@all\n")
    return Program("redis", (server, str(home / "redis.conf")))
