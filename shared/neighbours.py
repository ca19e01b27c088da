"""What each room may reach of the others: nothing but what stands here.

The accounts at broker and Redis are made of this table (`infra.accounts`); what a room's code asks,
hears and sends is compared with it by tests/unit/shared/test_neighbours.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """A room's ways to its neighbours, and what of Redis is its own beside `<room>:…`."""

    asks: tuple[str, ...] = ()  # procedures, as `<service>.<procedure>`
    hears: tuple[str, ...] = ()  # services whose events it hears
    sends: tuple[str, ...] = ()  # rooms that it sends bulk jobs
    keys: tuple[str, ...] = ()  # beginnings of keys from before these named their room
    cleans: bool = False  # takes erased people out of what is parked, whosever it was


REACH: dict[str, Reach] = {
    "identity": Reach(
        hears=("customer_query", "identity", "mailer"), keys=("session:", "sessions:")
    ),
    "customer_query": Reach(
        hears=("campaign", "customer_query", "mailer", "risk_central", "telemarketing"),
        sends=("campaign",),
        cleans=True,
    ),
    "campaign": Reach(
        asks=(
            "customer_query.describe_segment",
            "customer_query.get_segment",
            "mailer.get_design",
        ),
        hears=("customer_query", "mailer", "telemarketing"),
        sends=("mailer", "telemarketing"),
    ),
    "mailer": Reach(
        asks=("campaign.get_campaign", "customer_query.get_customer"),
        hears=("campaign", "customer_query", "mailer", "telemarketing"),
    ),
    "telemarketing": Reach(
        asks=("identity.list_users",),
        hears=("campaign", "customer_query", "mailer"),
    ),
    "risk_central": Reach(hears=("customer_query",), keys=("risk:",)),
}


def reach(room: str) -> Reach:
    """A room that stands nowhere reaches nobody."""
    return REACH.get(room, Reach(hears=("customer_query",)))
