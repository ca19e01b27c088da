"""customer_query's doors on its empty database."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]


@pytest.fixture
def people(database: Callable[[str], Sessions]) -> Sessions:
    """The empty database."""
    return database("customer_query")


@pytest.fixture
def customers(people: Sessions, door: Callable[..., Any]) -> Any:
    """The service."""
    return door("customer_query", people)
