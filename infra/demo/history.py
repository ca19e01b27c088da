"""What a month of work leaves behind: services held, and calls and mails of earlier days.

The doors know only the present moment, so the past is written where they put it, in each room's
own database, after they have done their work.
"""

from sqlalchemy import text

from shared.db import sessions

# Share of customers with each service, price a month.
SERVICES = {
    "fibra": (35, "29.90"),
    "pospago": (40, "18.50"),
    "prepago": (45, "8.00"),
    "tv": (15, "22.00"),
}
_ADD_SERVICE = """
    INSERT INTO held_service (customer_id, service, line_number, price, from_on)
    SELECT c.id, :service, c.phone, :price, c.joined_on
    FROM customer c
    WHERE abs(hashint8extended(c.id, :salt) % 100) < :share
        AND NOT EXISTS (
            SELECT FROM held_service h WHERE h.customer_id = c.id AND h.service = :service
        )
"""
# The same call moves by as many days in every room: by its number, on working days' hours.
_BACK = "make_interval(days => (({id} * 7919) % {days})::int + {offset})"
_SPREAD_CALLS = {
    "telemarketing": "UPDATE call SET at = at - {back} WHERE campaign_id = :campaign_id",
    "campaign": "UPDATE call_fact SET at = at - {back} WHERE campaign_id = :campaign_id",
}
_IDS = {"telemarketing": "id", "campaign": "call_id"}


def add_services() -> None:
    """Give the customers the services that segments can ask for; again changes nothing."""
    with sessions("customer_query").begin() as session:
        for salt, (service, (share, price)) in enumerate(SERVICES.items()):
            values = {"service": service, "share": share, "price": price, "salt": salt}
            session.execute(text(_ADD_SERVICE), values)


def spread(finished: int, executing: int) -> None:
    """Move the calls of the two campaigns to the weeks before today."""
    for campaign_id, days, offset in ((finished, 25, 12), (executing, 10, 0)):
        for room, statement in _SPREAD_CALLS.items():
            back = _BACK.format(id=_IDS[room], days=days, offset=offset)
            with sessions(room).begin() as session:
                session.execute(text(statement.format(back=back)), {"campaign_id": campaign_id})
