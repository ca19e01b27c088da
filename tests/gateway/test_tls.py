"""Broker, database and Redis by TLS only, with certificates made here: the product runs on them."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from amqp.exceptions import AMQPError
from kombu import Connection
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from infra.native import postgres, rabbitmq, servers
from infra.native.run import Run, free_port
from infra.native.supervisor import Supervisor
from shared import tls
from shared.client import Client
from shared.settings import settings
from tests.certificates import make_certificates
from tests.product import Product, running

_BROKER = """
listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.certfile = {folder}/server.crt
ssl_options.keyfile = {folder}/server.key
ssl_options.cacertfile = {folder}/ca.crt
ssl_options.verify = verify_none
"""
_DATABASE = """
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
"""
_REDIS = """
port 0
tls-port {port}
tls-cert-file {folder}/server.crt
tls-key-file {folder}/server.key
tls-auth-clients no
"""


@dataclass(frozen=True)
class Secured:
    """Servers that are asked by TLS, and whose certificates to believe."""

    ca_file: str
    stranger: str  # a CA that has nothing to do with them
    urls: dict[str, str]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    run = Run(folder / "run", durable=False)
    run.make()
    supervisor = Supervisor(run)
    own = [server for server in servers.ALL if server.name != "mail"]
    supervisor.write([server.prepare(run) for server in own], [])
    urls = _encrypt(run, folder)
    supervisor.start(urls, tied=True)
    try:
        supervisor.run(name for name in supervisor.states())
        mail = {"PREGON_SMTP_URL": settings().smtp_url}
        servers.wait(run, urls | mail | {"PREGON_CA_FILE": str(folder / "ca.crt")})
        yield Secured(str(folder / "ca.crt"), str(folder / "stranger.crt"), urls)
    finally:
        servers.stop(run, supervisor)


def _encrypt(run: Run, folder: Path) -> dict[str, str]:
    """Add TLS to the servers' own settings; nobody is answered without."""
    ports = {name: free_port() for name in ("rabbitmq", "redis")}
    for name, text in (("rabbitmq/rabbitmq.conf", _BROKER), ("redis/redis.conf", _REDIS)):
        where = ports[name.partition("/")[0]]
        _append(run.path / name, text.format(port=where, folder=folder))
    config = run.path / "rabbitmq/rabbitmq.conf"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.startswith("listeners.tcp.1")))
    data = run.path / "postgres"
    for name in ("server.crt", "server.key"):
        shutil.copy(folder / name, data / name)
        (data / name).chmod(0o600)
        postgres.give_to_owner(data / name)
    _append(data / "postgresql.conf", _DATABASE.format(folder=data))
    return _urls(run, ports)


def _append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def _urls(run: Run, ports: dict[str, str]) -> dict[str, str]:
    broker, redis = urlsplit(rabbitmq.url(run)), urlsplit(servers.ALL[2].url(run))
    at_broker = broker.netloc.rpartition(":")[0] + f":{ports['rabbitmq']}"
    at_redis = redis.netloc.rpartition(":")[0] + f":{ports['redis']}"
    return {
        "PREGON_AMQP_URL": broker._replace(scheme="amqps", netloc=at_broker).geturl(),
        "PREGON_AMQP_ADMIN_URL": f"node:{run.path}",
        "PREGON_DATABASE_URL": f"{postgres.url(run)}?sslmode=verify-full",
        "PREGON_REDIS_URL": redis._replace(scheme="rediss", netloc=at_redis).geturl(),
    }


@pytest.fixture(scope="module")
def encrypted(secured: Secured) -> Iterator[Product]:
    with running(**secured.urls, PREGON_CA_FILE=secured.ca_file) as product:
        yield product


@pytest.mark.timeout(400)
def test_the_whole_product_runs_by_tls_alone(encrypted: Product) -> None:
    """Rooms, workers, relay, beat, gateway, migrations: all parts answered before this."""
    urls = encrypted.settings
    assert urls["PREGON_AMQP_URL"].startswith("amqps://")
    assert urls["PREGON_REDIS_URL"].startswith("rediss://")
    assert encrypted.client("jefe").get("/campaigns").status_code == 200
    with psycopg2.connect(_database(urls)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            "WHERE application_name LIKE 'pregon-%'"
        )
        row = cursor.fetchone()
    assert row
    assert row[0] is True
    assert row[1] >= 6


def _database(urls: Mapping[str, str]) -> str:
    return tls.database_url(urls["PREGON_DATABASE_URL"], "postgres", urls["PREGON_CA_FILE"])


@pytest.mark.parametrize("server", ["rabbitmq", "postgres", "redis"])
def test_a_certificate_by_somebody_else_is_refused_and_named(secured: Secured, server: str) -> None:
    [asked] = [one for one in servers.ALL if one.name == server]
    told = {**secured.urls, "PREGON_CA_FILE": secured.stranger}
    assert "certificate verify failed" in servers.state(asked, told).lower()
    assert servers.state(asked, told | {"PREGON_CA_FILE": ""}) != "ok"
    assert servers.state(asked, told | {"PREGON_CA_FILE": secured.ca_file}) == "ok"


@pytest.mark.parametrize("server", ["rabbitmq", "postgres", "redis"])
def test_a_server_of_another_name_is_refused(secured: Secured, server: str) -> None:
    [asked] = [one for one in servers.ALL if one.name == server]
    url = secured.urls[asked.setting].replace("127.0.0.1", "127.0.0.2")
    told = {**secured.urls, "PREGON_CA_FILE": secured.ca_file, asked.setting: url}
    assert servers.state(asked, told) != "ok"


def test_clients_of_the_product_believe_no_stranger(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by its own library: kombu for rooms and jobs, aio-pika for the gateway, redis-py."""
    monkeypatch.setattr(settings(), "amqp_url", secured.urls["PREGON_AMQP_URL"])
    monkeypatch.setattr(settings(), "ca_file", secured.stranger)
    with pytest.raises((OSError, AMQPError), match="certificate verify failed"):
        Connection(settings().amqp_url).connect()
    with pytest.raises((OSError, AMQPError)):
        asyncio.run(Client().start())
    url = tls.redis_url(secured.urls["PREGON_REDIS_URL"], secured.stranger)
    with Redis.from_url(url) as client, pytest.raises(RedisConnectionError, match="certificate"):
        client.ping()
    monkeypatch.setattr(settings(), "ca_file", secured.ca_file)
    Connection(settings().amqp_url).connect().close()
