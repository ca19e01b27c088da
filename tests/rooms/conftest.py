"""Doors under eventlet, as rooms run: this folder is a pytest process of its own."""

import eventlet

eventlet.monkey_patch()

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nameko.containers import ServiceContainer
from nameko.testing.services import worker_factory
from sqlalchemy.orm import Session, sessionmaker

from shared import trace
from shared.room import Room, load
from shared.rpc import container_config
from tests.databases import emptied
from tests.make.actors import make_actor


@pytest.fixture
def database() -> Callable[[str], sessionmaker[Session]]:
    """`database("campaign")`: the room's real database, emptied."""
    return emptied


@pytest.fixture
def door() -> Callable[..., Any]:
    """`door("campaign", sessions)`: the service with that database, other rooms as mocks."""

    def make(room: str, sessions: sessionmaker[Session], **dependencies: Any) -> Any:
        return worker_factory(load(room), db=sessions, **dependencies)

    return make


@pytest.fixture
def container() -> Iterator[Callable[[type[Room]], ServiceContainer]]:
    """`container(Service)`: the service running on the real broker until the test ends."""
    running: list[ServiceContainer] = []

    def start(service: type[Room]) -> ServiceContainer:
        running.append(ServiceContainer(service, container_config()))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture(autouse=True)
def _somebody() -> Iterator[None]:
    """Doors are called as a marketing head, unless a test says otherwise."""
    actor = make_actor()
    with trace.use(actor=actor):
        yield
