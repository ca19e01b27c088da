"""Walking a list slice by slice, forwards and back, in any order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, sessionmaker

from services.campaign.models import PhaseChange
from shared import keyset
from shared.contract import Page, Slice, Total
from shared.contracts import campaign
from shared.errors import Invalid
from shared.keyset import Asked

Sessions = sessionmaker[Session]
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
ORDERS: dict[str, list[Any]] = {
    "by id": [PhaseChange.id],
    "newest first": [PhaseChange.id.desc()],
    "by text, then id": [PhaseChange.by, PhaseChange.id],
    "by text and time, both back": [
        PhaseChange.by.desc(),
        PhaseChange.at.desc(),
        PhaseChange.id.desc(),
    ],
    "time back, text on": [PhaseChange.at.desc(), PhaseChange.by, PhaseChange.id.desc()],
}


@pytest.fixture
def rows(database: Callable[[str], Sessions]) -> Sessions:
    """Eleven lines; names and times come several times."""
    sessions = database("campaign")
    with sessions.begin() as session:
        session.execute(
            insert(PhaseChange),
            [
                {
                    "campaign_id": 1,
                    "at": NOON + timedelta(seconds=number % 4),
                    "by": ("ana", "Ñusta", "eva | o'x", "")[number % 3],
                    "new": "draft",
                    "reason": "",
                }
                for number in range(11)
            ],
        )
    return sessions


def fetch(session: Session, order: list[Any], after: str | None, limit: int = 3) -> Slice[Any]:
    return keyset.fetch(session, select(PhaseChange), order, after, limit)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_all_slices_make_the_list_and_back_again(rows: Sessions, order: list[Any]) -> None:
    with rows() as session:
        whole = [row.id for row in session.execute(select(PhaseChange).order_by(*order)).scalars()]
        slices = [fetch(session, order, None)]
        while slices[-1].next:
            slices.append(fetch(session, order, slices[-1].next))
        assert [row.id for found in slices for row in found.rows] == whole
        assert [len(found.rows) for found in slices] == [3, 3, 3, 2]
        back = [slices[-1]]
        while back[-1].previous:
            back.append(fetch(session, order, back[-1].previous))
        expected = [[row.id for row in found.rows] for found in slices]
        assert [[row.id for row in found.rows] for found in reversed(back)] == expected


def test_the_ends_of_a_list_have_no_neighbour(rows: Sessions) -> None:
    with rows() as session:
        assert fetch(session, [PhaseChange.id], None, 11) == Slice(
            list(session.execute(select(PhaseChange).order_by(PhaseChange.id)).scalars()),
            None,
            None,
        )
        first = fetch(session, [PhaseChange.id], None, 10)
        last = fetch(session, [PhaseChange.id], first.next, 10)
        assert (first.previous, last.next) == (None, None)


def test_going_back_to_what_is_gone_shows_the_beginning(rows: Sessions) -> None:
    with rows.begin() as session:
        second = fetch(session, [PhaseChange.id], fetch(session, [PhaseChange.id], None).next)
        session.execute(delete(PhaseChange).where(PhaseChange.id < second.rows[0].id))
        found = fetch(session, [PhaseChange.id], second.previous)
        assert [row.id for row in found.rows] == [row.id for row in second.rows]
        assert found.previous is None


def test_a_page_shows_rows_as_their_contract_and_keeps_the_cursors(rows: Sessions) -> None:
    with rows() as session:
        found = fetch(session, [PhaseChange.id], fetch(session, [PhaseChange.id], None).next)
        page = Page.cut(found, campaign.PhaseChange.model_validate)
        assert page.items[0].new is campaign.Phase.DRAFT
        assert (page.next, page.previous) == (found.next, found.previous)
        assert None not in (page.next, page.previous)


def test_an_empty_list_is_an_empty_slice(rows: Sessions) -> None:
    with rows() as session:
        query = select(PhaseChange).where(PhaseChange.campaign_id == 2)
        assert keyset.fetch(session, query, [PhaseChange.id], None, 3) == Slice([], None, None)


FOREIGN = [
    "x",
    "-1",
    "",
    "é",
    "W10",  # []
    "W2ZhbHNlXQ",  # [false]
    "W2ZhbHNlLCJ4Il0",  # [false,"x"]
    "W2ZhbHNlLDEsMl0",  # [false,1,2]
    "e30",  # {}
    "W2ZhbHNlLDkyMjMzNzIwMzY4NTQ3NzU4MDhd",  # [false,9223372036854775808]
    "W" * 100_000,
]


@pytest.mark.parametrize("after", FOREIGN, ids=[text[:40] for text in FOREIGN])
def test_a_foreign_cursor_is_refused_at_its_field(rows: Sessions, after: str) -> None:
    with rows() as session, pytest.raises(Invalid) as caught:
        fetch(session, [PhaseChange.id], after)
    assert caught.value.fields[0].field == "after"


def test_a_cursor_with_a_character_that_no_text_holds_is_refused(rows: Sessions) -> None:
    nul = "W2ZhbHNlLCJhXHUwMDAwIiwxXQ"  # [false,"a\u0000",1]
    with rows() as session, pytest.raises(Invalid):
        fetch(session, [PhaseChange.by, PhaseChange.id], nul)


# --- totals and chosen orders ---


def test_a_list_knows_how_many_match_wherever_it_begins(rows: Sessions) -> None:
    with rows() as session:
        order = [PhaseChange.id]
        first = keyset.fetch(session, select(PhaseChange), order, None, 3, count=True)
        assert first.total == Total(rows=11, exact=True)
        then = keyset.fetch(session, select(PhaseChange), order, first.next, 3, count=True)
        assert then.total == first.total
        some = select(PhaseChange).where(PhaseChange.by == "ana")
        found = keyset.fetch(session, some, order, None, 3, count=True)
        assert found.total == Total(rows=4, exact=True)
        assert keyset.fetch(session, some, order, None, 3).total is None


def test_nobody_counts_beyond_the_bound(rows: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound, exact in ((11, True), (10, False)):
        monkeypatch.setattr(keyset, "MOST_COUNTED", bound)
        with rows() as session:
            total = keyset.count_rows(session, select(PhaseChange))
        assert total == Total(rows=bound, exact=exact)


@pytest.mark.parametrize("asked", ["by", "-by", "id", "-id"])
def test_the_order_that_was_asked_for_holds_through_all_slices(rows: Sessions, asked: str) -> None:
    by = {"by": PhaseChange.by, "id": PhaseChange.id}
    with rows() as session:
        found: list[Any] = []
        after = None
        while True:
            place = Asked(asked, after, 3, count=False)
            part = keyset.fetch_asked(session, select(PhaseChange), by, PhaseChange.id, place)
            found += part.rows
            after = part.next
            if after is None:
                break
        column = "by" if "by" in asked else "id"
        keys = [by[column], PhaseChange.id]
        ordered = [key.desc() if asked.startswith("-") else key for key in keys]
        expected = session.execute(select(PhaseChange).order_by(*ordered)).scalars()
        assert [row.id for row in found] == [row.id for row in expected]
        assert len(found) == 11
