"""Clients of a Redis that is restarted between two calls, and keys that tell whose they are."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from services.risk_central import store
from shared import redis as redis_server
from shared.settings import settings
from tests.databases import forget_keys
from tests.soap.people import free_port, wait_for

_OPTIONS = (
    *("--bind", "127.0.0.1", "--save", ""),
    *("--appendonly", "yes", "--appendfsync", "always"),
)


class Server:
    """A Redis of this test alone, which keeps what it has."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), *_OPTIONS],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._listens, "redis-server")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.kill()


@pytest.fixture(params=["a room's", "the SOAP server's"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Redis]:
    connect = redis_server.connect if request.param == "a room's" else store.connect
    with connect(server.url) as made:
        yield made


def test_a_restart_between_two_calls_costs_nobody_an_answer(server: Server, client: Redis) -> None:
    client.set("a", "1")
    with client.pipeline() as pipe:  # a second connection may be open, too
        pipe.get("a")
        assert pipe.execute() == [b"1"]
    server.kill()
    server.start()
    assert client.get("a") == b"1"
    server.kill()
    server.start()
    with client.pipeline() as pipe:
        pipe.get("a")
        assert pipe.execute() == [b"1"]


def test_a_server_that_comes_back_while_one_asks_costs_nobody_an_answer(
    server: Server, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused at first; while the client waits, the server is started."""
    client.set("a", "1")
    server.kill()
    waits: list[float] = []

    def start(seconds: float) -> None:
        if not waits:
            server.start()
        waits.append(seconds)

    monkeypatch.setattr("redis.retry.sleep", start)
    assert client.get("a") == b"1"
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("connect", "waits"),
    [
        (redis_server.connect, [0.05, 0.1, 0.2, *[0.4] * 8]),
        (store.connect, [0.05, 0.1, 0.2]),
    ],
)
def test_a_client_waits_three_seconds_and_a_half_in_rooms_and_a_third_of_one_in_the_soap_server(
    connect: Callable[[str], Redis], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", waited.append)
    with (
        connect(f"redis://127.0.0.1:{free_port()}/0") as client,
        pytest.raises(RedisConnectionError),
    ):
        client.get("a")
    assert waited == waits


def test_a_server_that_is_away_is_an_error_soon(server: Server, client: Redis) -> None:
    client.set("a", "1")
    server.kill()
    with pytest.raises(RedisConnectionError):
        client.get("a")


def test_a_connection_that_was_idle_is_tried_before_it_is_trusted(client: Redis) -> None:
    options = client.connection_pool.connection_kwargs
    assert options["health_check_interval"] == 10
    assert (options["socket_timeout"], options["socket_connect_timeout"]) in {(2, 2), (1, 1)}


# --- whose keys ---


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def use(namespace: pytest.MonkeyPatch, name: str) -> None:
    namespace.setenv("PREGON_NAMESPACE", name)
    settings.cache_clear()


def test_keys_carry_the_namespace_but_for_the_default_one(namespace: pytest.MonkeyPatch) -> None:
    use(namespace, "pregon")
    assert redis_server.key("session:1") == "session:1"
    use(namespace, "pregon_b")
    assert redis_server.key("session:1") == "pregon_b:session:1"
    assert store.lock_key() == "pregon_b:risk:load"


def test_tests_forget_their_own_keys_and_no_others(
    server: Server, namespace: pytest.MonkeyPatch
) -> None:
    with redis_server.connect(server.url) as client:
        others = ["session:1", "risk:words", "pregon_b:a", "pregon_test2:a"]
        client.mset(dict.fromkeys([*others, *(f"pregon_test:{n}" for n in range(2500))], "1"))
        use(namespace, "pregon_test")
        forget_keys(client)
        left = {name.decode() for name in client.scan_iter()}  # SCAN may tell of one twice
        assert left == set(others)
        use(namespace, "pregon")
        with pytest.raises(RuntimeError, match="in use"):
            forget_keys(client)
