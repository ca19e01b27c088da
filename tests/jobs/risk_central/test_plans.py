"""Searches among what was asked of the bureau: by an index, in no months but those asked for."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from services.risk_central import clients, questions
from shared.contracts.soap_clients import SoapOutcome
from tests.databases import emptied
from tests.make.soap_questions import DAY, MONTHS, PERSON, fill, months_read

EVERY = {f"{day:%Y%m}" for day in MONTHS}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Twenty thousand questions in each of three months."""
    with emptied("risk_central")() as opened:
        fill(opened, 20_000)
        yield opened
        opened.rollback()


def listed(session: Session, **filters: Any) -> Any:
    none = {"client": None, "day": None, "outcome": None, "after": None}
    return questions.list_questions(session, limit=50, **none | filters)


@pytest.mark.parametrize(
    ("filters", "by", "months"),
    [
        ({}, "pkey", EVERY),
        ({"client": "sistema7"}, "client", EVERY),
        ({"outcome": SoapOutcome.MINUTE}, "outcome", EVERY),
        ({"client": "sistema7", "outcome": SoapOutcome.MINUTE}, "", EVERY),
        ({"day": DAY}, "pkey", {"202610"}),
        ({"day": DAY, "client": "sistema7"}, "client", {"202610"}),
        ({"day": DAY, "outcome": SoapOutcome.MINUTE}, "outcome", {"202610"}),
    ],
)
def test_questions_are_found_by_an_index(
    session: Session, filters: dict[str, Any], by: str, months: set[str]
) -> None:
    found = listed(session, **filters)
    assert found.rows
    assert months_read(session, partial(listed, session, **filters), by) == months


def test_the_next_page_is_found_as_the_first_one(session: Session) -> None:
    page = listed(session, client="sistema7")
    further = partial(listed, session, client="sistema7", after=page.next)
    assert further().rows
    assert months_read(session, further, "client") <= EVERY


def test_who_asked_about_a_person_is_found_by_an_index(session: Session) -> None:
    ask = partial(questions.list_askers, session, PERSON, None, 50)
    assert len(ask().rows) == 15
    assert months_read(session, ask, "people") == EVERY


def test_when_a_client_asked_last_is_found_by_an_index(session: Session) -> None:
    for ask in (
        partial(clients.last_asked_at, session, "sistema7"),
        partial(clients.list_clients, session, None, 50),
    ):
        assert months_read(session, ask, "client") == EVERY
