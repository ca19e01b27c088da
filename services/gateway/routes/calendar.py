"""The calendar of agreed calls: month, week and day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask
from services.gateway.rendering import render
from services.gateway.routing import Pages
from services.gateway.session import SignedIn
from shared import clock
from shared.contracts.staff import Weekday
from shared.contracts.telemarketing import CALLERS, OTHERS, Callback, list_callbacks

pages = Pages()
menu.add(
    menu.Heading.TELEMARKETING,
    20,
    "Agenda",
    "/agenda",
    *sorted(CALLERS),
    icon="calendar-event",
    purpose="Llamadas que quedaron agendadas",
)

_DAY = timedelta(days=1)
_MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
WEEKDAYS = [day.word for day in Weekday]


class View(StrEnum):
    """How much of the calendar is shown."""

    MONTH = "mes"
    WEEK = "semana"
    DAY = "dia"


@dataclass(frozen=True)
class Span:
    """The days a view shows, last one included, and where its arrows lead."""

    first: date
    last: date
    previous: date
    next: date
    title: str

    @property
    def days(self) -> list[date]:
        """All days in order."""
        return [self.first + number * _DAY for number in range((self.last - self.first).days + 1)]


@pages.get("/agenda", allow=CALLERS)
async def show_calendar(
    request: Request,
    ask: Ask,
    session: SignedIn,
    view: Annotated[View, Query(alias="vista")] = View.MONTH,
    day: addresses.Day = None,
    advisor: addresses.Advisor = "",
) -> Response:
    """Agreed calls: the own ones, the team's or anyone's."""
    chosen, today = day or clock.today(), clock.today()
    span = span_of(view, chosen)
    sees_others = bool(OTHERS & session.permissions)
    found = await ask(
        list_callbacks,
        _midnight(span.first),
        _midnight(span.last + _DAY),
        advisor=advisor.strip() or None,
    )
    return render(
        request,
        "calendar/calendar.html",
        view=view.value,
        views=[(View.MONTH.value, "Mes"), (View.WEEK.value, "Semana"), (View.DAY.value, "Día")],
        day=chosen,
        today=today,
        now=clock.now(),
        span=span,
        weekdays=WEEKDAYS,
        by_day=_by_day(found),
        total=len(found),
        advisor=advisor,
        sees_others=sees_others,
    )


def span_of(view: View, day: date) -> Span:
    """The days of a view around a day; a month is shown in whole weeks, from Monday."""
    if view is View.DAY:
        return Span(day, day, day - _DAY, day + _DAY, _long(day))
    if view is View.WEEK:
        monday = day - day.weekday() * _DAY
        title = f"Semana del {monday.day} de {_MONTHS[monday.month - 1]} de {monday.year}"
        return Span(monday, monday + 6 * _DAY, monday - 7 * _DAY, monday + 7 * _DAY, title)
    begins = day.replace(day=1)
    following = (begins + 31 * _DAY).replace(day=1)
    last = following - _DAY
    return Span(
        begins - begins.weekday() * _DAY,
        last + (6 - last.weekday()) * _DAY,
        (begins - _DAY).replace(day=1),
        following,
        f"{_MONTHS[begins.month - 1].capitalize()} de {begins.year}",
    )


def _long(day: date) -> str:
    month = _MONTHS[day.month - 1]
    return f"{WEEKDAYS[day.weekday()]}, {day.day} de {month} de {day.year}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.GUAYAQUIL)


def _by_day(callbacks: list[Callback]) -> dict[date, list[Callback]]:
    days: dict[date, list[Callback]] = defaultdict(list)
    for item in callbacks:
        days[item.at.astimezone(clock.GUAYAQUIL).date()].append(item)
    return dict(days)
