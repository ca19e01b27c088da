"""What all tests share. Each folder's own conftest says in which kind of process it runs."""

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import hypothesis
import pytest
import structlog

if TYPE_CHECKING:
    from redis import Redis

    from tests.product import Product

T = TypeVar("T")

# Pure tests need the settings object, not the servers behind it.
_DEFAULTS = {
    "PREGON_AMQP_URL": "pyamqp://nobody:nothing@127.0.0.1:1/none",
    "PREGON_DATABASE_URL": "postgresql://nobody@127.0.0.1:1",
    "PREGON_REDIS_URL": "redis://127.0.0.1:1/0",
    "PREGON_FILES_URL": "memory://files",
    "PREGON_SMTP_URL": "smtp://127.0.0.1:1",
    "PREGON_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    "PREGON_SOAP_PASSWORD": "only-for-tests",
    "PREGON_SIGNING_KEY": "gateway.tests.PoSgJRFbNgxKtomp9PUQ87D1OaUr-EQ55yjNWdgEUY8",
    "PREGON_TRUSTED_KEYS": "gateway.tests.oPsMSp9pdY_IihVFqd4fmVPXr1aS9nyUVXhTR7t8xM4",
}
for _name, _value in _DEFAULTS.items():
    os.environ.setdefault(_name, _value)


@pytest.fixture
def until() -> Callable[[Callable[[], T]], T]:
    """Wait until a function gives something true, and give it back; fails after a minute.

    What is only slow, on a machine with other work, is not what a test is about.
    """

    def wait(look: Callable[[], T]) -> T:
        deadline = time.monotonic() + 60
        while True:
            if found := look():
                return found
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.05)

    return wait


@pytest.fixture
def redis() -> "Iterator[Redis]":
    """A client of the test run's Redis, without keys of ours."""
    from tests.databases import emptied_redis

    with emptied_redis() as client:
        yield client


@pytest.fixture(scope="session")
def product() -> "Iterator[Product]":
    """The whole product, started once: users of every role, a risk file, nothing else."""
    from tests.product import running

    with running() as started:
        yield started


def pytest_configure() -> None:
    """Tracebacks in logs as Python prints them: coloured ones take half a second each."""
    # How long an example takes tells of the machine's other work; slow code has tests of its own
    hypothesis.settings.register_profile("beside other work", deadline=None)
    hypothesis.settings.load_profile("beside other work")
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-table`: tests that compare with a table write it anew."""
    parser.addoption("--write-table", action="store_true")
