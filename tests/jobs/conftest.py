"""Celery's functions, called directly in an ordinary process on a real database."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.databases import emptied


@pytest.fixture
def database() -> Callable[[str], sessionmaker[Session]]:
    """`database("campaign")`: the room's real database, emptied."""
    return emptied
