"""What moves on pages: one stream per browser, which tells by topic that something has changed.

A page marks a part with its topic and with where the part comes from:

    <div data-live="mailing:7" hx-get="/envios/7/avance" hx-trigger="live">…</div>

Only topics are sent. The browser asks for the part itself, so that who may see it is decided where
it always is. Routes say which events they show:

    live.tell(MailingChanged, lambda event: [Topic(f"mailing:{event.mailing_id}", READ)])
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from aio_pika.exceptions import AMQPError
from sse_starlette import ServerSentEvent

from shared.client import Client
from shared.contract import Event
from shared.contracts.identity import Session
from shared.errors import Unavailable
from shared.permissions import Permission

E = TypeVar("E", bound=Event)

EVERYTHING = "all"  # whatever a page shows: it may have changed unheard
KEPT = 5000  # signals, for browsers that come back
MARGIN = 5000  # milliseconds that another process's clock may differ
LIFETIME_SECONDS = 300.0  # then the browser connects anew and its session is checked again
PAUSE_SECONDS = 0.5  # many events in a row are one signal
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Topic:
    """A thing on pages, and who hears that it changed: one user, or all with the permission."""

    name: str
    allow: Permission | None = None
    username: str | None = None

    def is_heard_by(self, session: Session) -> bool:
        """Whether this user's pages may know of it."""
        if self.username is not None:
            return self.username == session.actor.username
        return self.allow is None or self.allow in session.permissions


_TOLD: dict[type[Event], Callable[[Any], Iterable[Topic]]] = {}


def tell(kind: type[E], topics_of: Callable[[E], Iterable[Topic]]) -> None:
    """Have pages hear of an event; called when routes are loaded."""
    _TOLD[kind] = topics_of


def now() -> int:
    """Where the stream is: a page drawn at this moment is told what happens from here on."""
    return time.time_ns() // 1_000_000


class Live:
    """What this process has heard lately, and the browsers that wait for more."""

    def __init__(self) -> None:
        self._signals: deque[tuple[int, Topic]] = deque(maxlen=KEPT)
        self._began = self._last = now()
        self._heard = asyncio.Event()

    async def listen(self, client: Client) -> None:
        """Hear the rooms by one queue of this process, as long as it lives."""
        while True:
            try:
                async with client.listen(*_TOLD, missed=self.note_gap) as events:
                    self.note_gap()
                    while True:
                        self.note(await events.get())
            except (Unavailable, AMQPError, OSError):
                await asyncio.sleep(RETRY_SECONDS)

    def note(self, event: Event) -> None:
        """An event that some pages show."""
        for topic in _TOLD[type(event)](event):
            self._add(topic)

    def note_gap(self) -> None:
        """Events may have passed unheard: every page looks again."""
        self._add(Topic(EVERYTHING))

    def _add(self, topic: Topic) -> None:
        self._last = max(self._last + 1, now())
        self._signals.append((self._last, topic))
        self._heard.set()
        self._heard = asyncio.Event()  # those who wait have the old one

    async def follow(self, session: Session, after: str | None) -> AsyncIterator[ServerSentEvent]:
        """What a user's pages show and has changed since `after`, until the stream's time is over.

        `after` is the id of the last event that the browser got, maybe from another process.
        """
        end = time.monotonic() + LIFETIME_SECONDS
        seen, missed = self._begin(after)
        if missed:
            yield _event(seen, [EVERYTHING])
        while (left := end - time.monotonic()) > 0:
            heard = self._heard
            topics = self._since(seen, session)
            seen = self._last
            if topics:
                yield _event(seen, topics)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            try:
                await asyncio.wait_for(heard.wait(), left)
            except TimeoutError:
                return

    def _begin(self, after: str | None) -> tuple[int, bool]:
        """Where a browser goes on, and whether what lies between is not known any more."""
        if after is None or not after.isdecimal() or len(after) > 15:
            return self._last, after is not None
        full = len(self._signals) == KEPT
        known_from = self._signals[0][0] if full else self._began
        if int(after) < known_from:
            return self._last, True
        return int(after) - MARGIN, False

    def _since(self, seen: int, session: Session) -> list[str]:
        names: dict[str, None] = {}
        for number, topic in reversed(self._signals):
            if number <= seen:
                break
            if topic.is_heard_by(session):
                names[topic.name] = None
        return list(names)


def _event(number: int, topics: list[str]) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(topics), id=str(number), retry=1000)
