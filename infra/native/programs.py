"""The processes of the product: the one table that the native stack and compose agree on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.accounts import table
from infra.accounts.table import Account
from infra.native import signing_keys
from shared.contracts import PLACEMENTS, groups, process_of, worker_of

# A worker's name must be new at each start: the broker holds the old one's queue for a while.
_WORKER = (
    "read -r id < /proc/sys/kernel/random/uuid; exec celery -A shared.worker worker"
    " -n {name}-$id@%h -c {concurrency}"
    " --without-gossip --without-mingle --without-heartbeat -l WARNING"
)


@dataclass(frozen=True)
class Program:
    """A process that the supervisor keeps alive."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 30
    stop_signal: str = "TERM"
    kill_group: bool = False  # a kill after stop_seconds takes the children too
    account: Account | None = None  # whom it is at the servers


def product(environ: Mapping[str, str]) -> list[Program]:
    """All processes of the product, grouped as `PREGON_ROOM_GROUPS`, `PREGON_WORKER_GROUPS` say."""
    rooms = environ.get("PREGON_ROOM_GROUPS") or room_groups()
    workers = environ.get("PREGON_WORKER_GROUPS") or worker_groups()
    return [
        *(_room(group) for group in rooms.split()),
        *(_worker(group) for group in workers.split()),
        *_single(environ),
    ]


def accounts(environ: Mapping[str, str]) -> list[Account]:
    """Whom the processes are at the servers, and one account for every room."""
    return list(table.every(item.account for item in product(environ) if item.account))


def room_groups() -> str:
    """The processes of the rooms' doors as `PREGON_ROOM_GROUPS` writes them."""
    return " ".join(groups(process_of))


def worker_groups() -> str:
    """The workers of the rooms' jobs as `PREGON_WORKER_GROUPS` writes them."""
    return " ".join(
        f"{name}:{max(PLACEMENTS[room].concurrency for room in rooms)}"
        for name, rooms in groups(worker_of).items()
    )


def _room(group: str) -> Program:
    rooms = group.split("+")
    account = table.of_rooms(f"room-{group}", rooms, process_of)
    return Program(
        f"room-{'-'.join(rooms)}", ("python", "-m", "shared.serve", *rooms), account=account
    )


def _worker(group: str) -> Program:
    names, _, concurrency = group.partition(":")
    rooms = names.split("+")
    command = _WORKER.format(name="-".join(rooms), concurrency=concurrency or 1)
    return Program(
        f"worker-{'-'.join(rooms)}",
        ("sh", "-c", command),
        {"PREGON_WORKER_ROOMS": " ".join(rooms)},
        stop_seconds=60,
        kill_group=True,
        account=table.of_rooms(f"worker-{names}", rooms, worker_of),
    )


def _single(environ: Mapping[str, str]) -> Iterator[Program]:
    schedule = f"{environ.get('PREGON_RUN_DIR', '.run')}/beat-schedule"
    beat = ("celery", "-A", "shared.worker", "beat", "-S", "shared.beat:Scheduler", "-s", schedule)
    quiet = ("--max-interval", "60", "-l", "WARNING", "--pidfile=")
    yield Program("beat", (*beat, *quiet), _key(environ, "beat"), account=table.BEAT)
    yield Program("relay", ("python", "-m", "shared.relay"), account=table.RELAY)
    yield Program("gateway", _gateway(environ), _key(environ, "gateway"), account=table.GATEWAY)
    yield Program("soap", _soap(environ), kill_group=True, account=table.SOAP)


def _key(environ: Mapping[str, str], issuer: str) -> dict[str, str]:
    return {signing_keys.OWN: environ.get(signing_keys.PRIVATE[issuer], "")}


def _gateway(environ: Mapping[str, str]) -> tuple[str, ...]:
    host, port = environ.get("PREGON_WEB_HOST", "127.0.0.1"), environ.get("PREGON_WEB_PORT", "8000")
    return ("python", "-m", "services.gateway.serve", "--host", host, "--port", port)


def _soap(environ: Mapping[str, str]) -> tuple[str, ...]:
    host = environ.get("PREGON_SOAP_HOST", "127.0.0.1")
    port = environ.get("PREGON_SOAP_PORT", "8001")
    serve = ("granian", "--interface", "wsgi", "--workers", "2", "--host", host, "--port", port)
    limits = ("--backpressure", "64", "--http1-header-read-timeout", "10000")
    return (*serve, *limits, "--log-level", "warning", "services.risk_central.soap:app")
