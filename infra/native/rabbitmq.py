"""A private RabbitMQ broker with its own Erlang port mapper, user and virtual host."""

import json
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from kombu import Connection

from infra.accounts import broker
from infra.accounts.table import Login
from infra.native.errors import StackError
from infra.native.programs import Program
from infra.native.run import ROOT, Run, write_private
from shared import tls

# Debian's script under this name does not switch the user, as the one on the PATH does.
_DEBIAN_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_DEBIAN_CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
# No busy waiting, and the ports between nodes on the loopback interface alone
_ERLANG = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


def url(run: Run) -> str:
    """Where the private broker will answer."""
    password, port = run.generated.secret("rabbitmq"), run.generated.port("rabbitmq")
    return f"pyamqp://pregon:{password}@127.0.0.1:{port}/pregon"


def check(url: str, ca_file: str = "") -> None:
    """Log in. Raises an error whose text says what is wrong."""
    parts = urlsplit(url)
    trust = tls.of_broker(str(parts.hostname), ca_file) if parts.scheme == "amqps" else False
    with Connection(url, connect_timeout=2, ssl=trust) as connection:
        connection.connect()


def prepare(run: Run) -> Program:
    """Write the broker's files. Raises StackError when it is not installed."""
    home = run.path / "rabbitmq"
    home.mkdir(exist_ok=True)
    _write_cookie(run, home / ".erlang.cookie")
    write_private(home / "definitions.json", json.dumps(_definitions(run)))
    (home / "enabled_plugins").write_text("[].\n")
    (home / "rabbitmq.conf").write_text(_config(run, home))
    return Program("rabbitmq", (_script(),), _environment(run, home))


def control() -> str:
    """The program that tells a private broker what to do."""
    return str(_DEBIAN_CONTROL) if _DEBIAN_CONTROL.exists() else "rabbitmqctl"


def control_environment(run: Run) -> dict[str, str]:
    """What it needs to find the broker of a run directory, and to be let in."""
    return {**os.environ, **_environment(run, run.path / "rabbitmq")}


def _script() -> str:
    script = str(_DEBIAN_SCRIPT) if _DEBIAN_SCRIPT.exists() else shutil.which("rabbitmq-server")
    if script is None:
        raise StackError(
            "RabbitMQ is not installed: apt-get install rabbitmq-server, "
            "or set PREGON_AMQP_URL to a broker."
        )
    return script


def _write_cookie(run: Run, cookie: Path) -> None:
    write_private(cookie, run.generated.secret("erlang"))
    cookie.chmod(0o400)


def _config(run: Run, home: Path) -> str:
    common = (ROOT / "infra/rabbitmq/rabbitmq.conf").read_text()
    listen = f"listeners.tcp.1 = 127.0.0.1:{run.generated.port('rabbitmq')}\n"
    return f"{common}{listen}load_definitions = {home}/definitions.json\n"


def _definitions(run: Run) -> dict[str, object]:
    """One user and one virtual host; with these, the broker makes no guest."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [broker.user(Login("pregon", run.generated.secret("rabbitmq")))],
        "vhosts": [{"name": "pregon"}],
        "permissions": [{"user": "pregon", "vhost": "pregon", **everything}],
    }


def _environment(run: Run, home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the broker, no shell in between
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(run.generated.port("epmd")),
        "RABBITMQ_NODENAME": f"pregon{os.getuid()}@localhost",
        "RABBITMQ_DIST_PORT": str(run.generated.port("erlang")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
        "RABBITMQ_LOG_BASE": str(home),
        "ERL_CRASH_DUMP": str(home / "crash.dump"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }
