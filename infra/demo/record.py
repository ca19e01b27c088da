"""What the play proves of who sees whom: strangers do not exist, and each look is on record."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infra.demo.player import HEARD_SECONDS, POLL_SECONDS, Client, MissingError, equal, say


@dataclass
class Calls:
    """What the advisors did."""

    results: Counter[str] = field(default_factory=Counter)
    by_advisor: Counter[str] = field(default_factory=Counter)
    risks: Counter[str] = field(default_factory=Counter)
    called: set[int] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)  # whom each advisor called
    looks: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reached: set[int] = field(default_factory=set)


def see_own_and_stranger(advisors: Mapping[str, Client], called: Mapping[str, int]) -> None:
    """Each advisor opens the profile of a customer called, and not that of another's."""
    for username, advisor in advisors.items():
        own = f"/customers/{called[username]}"
        shown = advisor.get(own)
        whole = advisor.post(f"{own}/reveal", json={"fields": ["cedula"]})["cedula"]
        part = f"{whole[:3]}•••••{whole[-2:]}"
        equal("an advisor sees of a cédula", shown["cedula"], "a part", part)
        for other in set(called) - {username}:
            _is_hidden(advisor, called[other])
    say("Each advisor sees the own customers, and of the others nothing")


def _is_hidden(advisor: Client, customer_id: int) -> None:
    path = f"/customers/{customer_id}"
    for hidden in (path, f"{path}/timeline"):
        try:
            advisor.get(hidden)
        except MissingError:
            continue
        equal("a stranger's data", hidden, "answered", "404")


def count_looks(admin: Client, since: datetime, expected: Mapping[str, Counter[str]]) -> None:
    """The record holds as many looks of each kind and user as the play made."""
    for username, looks in expected.items():
        for action, made in looks.items():
            found = _wait_for(admin, since, username, action, made)
            equal(f"{action} by {username}", made, "on record", found)
    total = sum(looks.total() for looks in expected.values())
    say(f"The record holds all {total} looks at people and their risk")


def _wait_for(admin: Client, since: datetime, username: str, action: str, made: int) -> int:
    """Lines since a moment, as soon as there are so many; what is less after a while is told."""
    deadline = time.monotonic() + HEARD_SECONDS
    while True:
        lines = admin.pages("/audit", username=username, action=action)
        found = sum(datetime.fromisoformat(line["at"]) >= since for line in lines)
        if found >= made or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)
