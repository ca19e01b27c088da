"""Dates and times, read as people and spreadsheets write them, shown in Ecuador's time."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared import bounds

GUAYAQUIL = ZoneInfo("America/Guayaquil")  # the mainland; Galápagos is one hour behind

_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
_MIDNIGHT = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?$")
_DAY_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", re.ASCII)


def parse_date(text: str) -> date:
    """A date as AAAA-MM-DD or DD/MM/AAAA, midnight behind it allowed.

    Raises ValueError in Spanish.
    """
    bare = _MIDNIGHT.sub("", text.strip())
    if match := _YEAR_FIRST.fullmatch(bare):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(bare):
        day, month, year = match.groups()
    else:
        raise ValueError(f"La fecha «{bare}» no se entiende: escriba AAAA-MM-DD o DD/MM/AAAA.")
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"La fecha «{bare}» no existe: revise el día y el mes.") from None
    return bounds.lawful(found)


def years_before(day: date, years: int) -> date:
    """The last day on which a date is `years` whole years ago; 29 February counts as 28.

    Before the first year that a date may have it is the first day, after the last one the last.
    """
    year = day.year - years
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return day.replace(year=year, day=28)


def format_date(day: date) -> str:
    """`20 nov 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def format_datetime(moment: datetime) -> str:
    """`20 nov 2026 14:05` in America/Guayaquil; the moment must be aware."""
    if moment.tzinfo is None:
        raise ValueError("an aware datetime is needed")
    local = moment.astimezone(GUAYAQUIL)
    return f"{format_date(local.date())} {local:%H:%M}"


def format_time(moment: datetime) -> str:
    """`14:05` in America/Guayaquil; the moment must be aware."""
    if moment.tzinfo is None:
        raise ValueError("an aware datetime is needed")
    return f"{moment.astimezone(GUAYAQUIL):%H:%M}"
