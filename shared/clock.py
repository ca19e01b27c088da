"""The time, asked for in one place so that tests can hold it still."""

from datetime import UTC, date, datetime

from shared.ecuador.dates import GUAYAQUIL as GUAYAQUIL


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today's date on the Ecuadorian mainland."""
    return now().astimezone(GUAYAQUIL).date()
