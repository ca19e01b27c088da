"""What an advisor sees of a person is on record, and what a supervisor does with lists."""

from typing import Any

import pytest

from tests.databases import audited_of
from tests.rooms.telemarketing.conftest import CAMPAIGN, NOON, acting, assign

pytestmark = pytest.mark.usefixtures("campaign")


def acts(room: Any) -> list[tuple[str, Any, str]]:
    """Action, customer or thing, and who, in order."""
    return [
        (line["action"], line["customer_id"] or line["object_id"], line["username"])
        for line in audited_of(room.db)
    ]


def test_the_person_whom_an_advisor_is_given_is_on_record_each_time(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        given = room.next_call()
        room.next_call()
    with acting("berta"):
        assert room.next_call() is None
    seen = ("call_seen", given.customer.customer_id, "ana")
    assert acts(room) == [("assigned", str(CAMPAIGN), "jefe"), seen, seen]


def test_lists_of_calls_and_of_callbacks_are_on_record(room: Any) -> None:
    room.list_calls()
    room.list_callbacks(NOON, NOON)
    assert [line["object_kind"] for line in audited_of(room.db)] == ["calls", "callbacks"]


def test_what_is_taken_back_or_refreshed_is_on_record(room: Any) -> None:
    assign(room, 2)
    room.refresh_risks(CAMPAIGN, "ana")
    room.take_back(CAMPAIGN, "ana")
    assert [action for action, _, _ in acts(room)] == ["assigned", "risks_refreshed", "taken_back"]
