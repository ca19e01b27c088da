"""customer_query's doors on its empty database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import trace
from shared.contracts.customer_query import CustomerPermission
from tests.make.actors import make_actor

Sessions = sessionmaker[Session]


@pytest.fixture
def people(database: Callable[[str], Sessions]) -> Sessions:
    """The empty database."""
    return database("customer_query")


@pytest.fixture
def customers(people: Sessions, door: Callable[..., Any]) -> Any:
    """The service."""
    return door("customer_query", people)


@pytest.fixture
def sees_all() -> Iterator[None]:
    """The doors are asked by a head who may see people's data whole."""
    with trace.use(actor=make_actor(also={CustomerPermission.PERSONAL})):
        yield
