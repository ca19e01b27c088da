"""What is so where nobody sets it, and the numbers that stand outside of the rules."""

from typing import Any

import pytest

from services.telemarketing import bureau, calls, merges
from shared.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_hours", 12),
        ("session_hours_at_most", 24),
        ("contact_cap", 8),
        ("contact_cap_days", 30),
        ("risk_timeout_seconds", 2),
        ("lease_seconds", 900),
        ("calling_hours", "08:00-20:00"),
        ("max_workers", 10),
        ("rpc_timeout_seconds", 5),
    ],
)
def test_defaults(name: str, value: Any) -> None:
    assert Settings.model_fields[name].default == value


def test_numbers_of_the_room() -> None:
    assert bureau.PAUSE_SECONDS == 5
    assert bureau.MAX_CEDULAS == 500
    assert calls._MAX_CALLBACKS == 1000
    assert merges.PART == 20_000
