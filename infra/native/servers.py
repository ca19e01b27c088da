"""The servers behind the product: private ones in the run directory, or others by their URL."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.native import environment, mail, postgres, rabbitmq, redis, signing_keys
from infra.native.errors import StackError
from infra.native.processes import end, survivors, wait_until
from infra.native.programs import Program
from infra.native.run import Run
from infra.native.supervisor import SERVERS, Supervisor

START_SECONDS = 90
STOP_SECONDS = 90


@dataclass(frozen=True)
class Server:
    """A server that can be private or given by the URL in its setting."""

    name: str
    setting: str
    url: Callable[[Run], str]
    check: Callable[[str, str], None]
    prepare: Callable[[Run], Program]


ALL = (
    Server("rabbitmq", "PREGON_AMQP_URL", rabbitmq.url, rabbitmq.check, rabbitmq.prepare),
    Server("postgres", "PREGON_DATABASE_URL", postgres.url, postgres.check, postgres.prepare),
    Server("redis", "PREGON_REDIS_URL", redis.url, redis.check, redis.prepare),
    Server("mail", "PREGON_SMTP_URL", mail.url, mail.check, mail.prepare),
)


def private(given: Mapping[str, str]) -> list[Server]:
    """The servers whose URL nobody gave."""
    return [server for server in ALL if not given.get(server.setting)]


def urls(run: Run, given: Mapping[str, str]) -> dict[str, str]:
    """The settings that lead to the private servers."""
    found = {server.setting: server.url(run) for server in private(given)}
    if "PREGON_SMTP_URL" in found:
        found["PREGON_MAIL_CATCHER_DIR"] = str(run.path / "mail")
    if "PREGON_AMQP_URL" in found:
        found["PREGON_AMQP_ADMIN_URL"] = f"node:{run.path}"
    return found


def state(server: Server, environ: Mapping[str, str]) -> str:
    """`ok`, or why the server cannot be used."""
    try:
        server.check(environ[server.setting], environ.get("PREGON_CA_FILE", ""))
    except Exception as error:  # each client library has its own errors
        return " ".join(str(error).split()) or type(error).__name__
    return "ok"


def wait(run: Run, environ: Mapping[str, str]) -> None:
    """Return when all servers can be used. Raises StackError naming the one that cannot."""
    own = {name.partition(":")[2] for name in Supervisor(run).states()}
    for server in sorted(ALL, key=lambda server: server.name in own):  # given ones answer at once
        if not wait_until(_ready(run, server, environ), START_SECONDS):
            raise StackError(_last_words(run, server, state(server, environ)))


def start(run: Run, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Start the private servers that do not run and wait until all answer."""
    supervisor.run(name for name in supervisor.states() if name.startswith(f"{SERVERS}:"))
    wait(run, environ)


def stop(run: Run, supervisor: Supervisor) -> list[int]:
    """End all that was started in this directory; gives back what the supervisor had lost."""
    supervisor.stop(STOP_SECONDS)
    left = survivors(run.path)
    end(left)
    return left


@contextmanager
def running(given: Mapping[str, str], *, durable: bool = False) -> Iterator[dict[str, str]]:
    """Private servers in a temporary directory while the block lasts; gives the settings.

    Servers whose URL is among `given` are used, in a namespace of tests. Not `durable` means
    PostgreSQL without fsync and Redis without a file: for tests, not for measuring.
    """
    with tempfile.TemporaryDirectory(prefix="pregon-", ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder).resolve(), durable=durable)
        run.make()
        apart = {"PREGON_WEB_PORT": "0", "PREGON_SOAP_PORT": "0", "PREGON_NAMESPACE": "pregon_test"}
        settings = environment.compute(run, apart | dict(given), urls(run, given))
        supervisor = Supervisor(run)
        supervisor.write([server.prepare(run) for server in private(given)], [])
        supervisor.start(signing_keys.without(settings), tied=True)
        try:
            start(run, supervisor, settings)
            yield settings
        finally:
            stop(run, supervisor)


def _ready(run: Run, server: Server, environ: Mapping[str, str]) -> Callable[[], bool]:
    supervisor = Supervisor(run)
    name = f"{SERVERS}:{server.name}"

    def ready() -> bool:
        reason = state(server, environ)
        if reason != "ok" and name not in (states := supervisor.states()):
            raise StackError(f"{server.setting} leads to no server: {reason}. Correct or unset it.")
        if reason != "ok" and states[name] == "FATAL":
            raise StackError(_last_words(run, server, reason))
        return reason == "ok"

    return ready


def _last_words(run: Run, server: Server, reason: str) -> str:
    log = run.log / f"{server.name}.log"
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([f"{server.name} does not answer: {reason}", f"The end of {log}:", *lines])
