"""What a question costs its client, and its line on record: one step in Redis with the answer.

A question is counted, looked up and written down by one script, so no answer leaves that is not on
record, and it costs no round trip more than the answer alone. What the script does not look up
(a search by name, a fault) is counted and written down by a second one before the answer leaves.

Keys, all `risk_central:soap:…`: `use:<client>` → seven numbers, packed (`USE`): when all questions
of a minute are there again, the day, how many were asked on it, about how many persons, how many
were refused, when that was written down last, when it was asked last; `lines` → the stream of what
was asked (`lines`), which the room's job empties (`questions.take_in`); `count` → how many lines
there were.
"""

import re
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from redis import Redis

from services.risk_central import editions, lines, store
from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client
from services.risk_central.script import Script
from shared.contracts.soap_clients import SoapOutcome
from shared.ecuador.money import format_number
from shared.redis import key

MOST_LINES = 200_000  # entries, about; the oldest beyond are lost, and counted (`questions`)
USE = struct.Struct(">7d")
OPERATIONS = frozenset({"GetRiskByCedula", "FindRiskByName", "GetRisks"})
_AWAY_SECONDS = 2.0  # that a process says no by itself to who has used up the day
_ASKED, _TOLD = struct.Struct(">5d"), struct.Struct(">3d")
_LOOK_UP = -1  # in place of how many are known

# A day is Ecuador's, five hours behind. A question that is refused costs nothing and showed nobody,
# so its line names nobody; a minute's refusals of a client are one line. Few and short arguments,
# and what never changes written into the script: each costs on both sides.
_SCRIPT = """
local a_minute, a_day, persons, away, known = struct.unpack('>ddddd', ARGV[1])
local people, code, digits = ARGV[3], ARGV[4], ARGV[5]
local call, floor = redis.call, math.floor
local now = call('TIME')
local ms = now[1] * 1000 + floor(now[2] / 1000)
local day = floor((now[1] - 18000) / 86400)
local full, told, asked, before, refused, fresh = ms, 0, 0, 0, away, true
local use = call('GET', KEYS[1])
if use then
  local till, of_day, a, b, r, t = struct.unpack('>dddddd', use)
  full, told = math.max(till, ms), t
  if of_day == day then asked, before, refused, fresh = a, b, refused + r, false end
end
local why, wait, more = '', 0, -1
if a_day > 0 and before + persons > a_day then
  why, wait = 'day', ((day + 1) * 86400 + 18000) * 1000 - ms
end
if a_minute > 0 then
  local step = 60000 / a_minute
  local over = full + step - ms - 60000
  if over > 0 then
    why, wait = 'minute', math.ceil(over)
  elseif why == '' then
    full = full + step
  end
  more = math.max(0, floor(-over / step))
end
local found = {}
if why == '' then
  asked, before = asked + 1, before + persons
  if known < 0 then
    known = 0
    local head = '@head@' .. (call('GET', '@edition@') or '')
    for i = 1, #digits, 9 do
      local six, three = string.sub(digits, i, i + 5), string.sub(digits, i + 6, i + 8)
      local value = call('HGET', head .. 'r:' .. six, three)
      if value then
        known = known + 1
        if #value == 64 then value = value .. (call('HGET', head .. 'l:' .. six, three) or '') end
      end
      found[#found + 1] = value
    end
    if known > 0 then code = 'answered' end
  end
else
  refused, people, known, code = refused + 1, '', 0, ''
  if ms - told >= 60000 then told, code = ms, why end
end
if code ~= '' then
  local number = call('INCR', '@count@')
  local line = ARGV[2] .. code .. '\t' .. known .. '\t' .. number .. '\t' .. #people
  call('XADD', '@lines@', '*', 'line', line, 'people', string.sub(people, 1, @part@))
  for i = @part@ + 1, #people, @part@ do
    call('XADD', '@lines@', '*', 'more', string.sub(people, i, i + @part@ - 1))
  end
  if number % 100 == 0 or #people > @part@ then
    call('XTRIM', '@lines@', 'MAXLEN', '~', '@most@')
  end
end
local kept = struct.pack('>ddddddd', full, day, asked, before, refused, told, ms)
if fresh then
  call('SETEX', KEYS[1], '172800', kept)
else
  call('SET', KEYS[1], kept, 'KEEPTTL')
end
found[#found + 1] = struct.pack('>ddd', wait, more, a_day - before) .. why
return found
"""
_NOW: ContextVar["Question | None"] = ContextVar("question", default=None)


class OverLimitError(TurnedAwayError):
    """A question beyond what its client has; `left` of the day's persons remain."""

    def __init__(self, client: Client, why: str, seconds: float, left: int) -> None:
        self.left = left
        self.seconds = seconds
        self.code = SoapOutcome(why)
        said = _of_minute(client) if self.code is SoapOutcome.MINUTE else _of_day(client, left)
        wait = str(max(1, -int(-seconds // 1)))
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, said, ("Retry-After", wait))


def _of_minute(client: Client) -> str:
    return f"Este cliente admite {format_number(client.per_minute)} consultas por minuto."


def _of_day(client: Client, left: int) -> str:
    limit = f"Este cliente admite consultar {format_number(client.per_day)} personas por día"
    return f"{limit}; hoy le quedan {format_number(left)}."


class Meter:
    """The clients' measures, for all processes; who has to wait is told so without Redis."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        begins = key("risk_central:soap:")  # made once: a question is a hundred microseconds
        self._use, self._lines, self._count = f"{begins}use:", f"{begins}lines", f"{begins}count"
        self._script = Script(redis, self._written())
        self._waiting: dict[str, tuple[float, OverLimitError]] = {}
        self._turned_away: dict[str, int] = {}  # since Redis was last told, by client

    def _written(self) -> str:
        fixed = {
            "head": editions.head(),
            "edition": editions.pointer(),
            "lines": self._lines,
            "count": self._count,
            "part": lines.PEOPLE_BYTES,
            "most": MOST_LINES,
        }
        return re.sub("@([a-z]+)@", lambda found: str(fixed[found[1]]), _SCRIPT)

    def check(self, client: Client) -> None:
        """Raises OverLimitError for who was told to wait and has not."""
        until, error = self._waiting.get(client.name, (0.0, None))
        seconds = until - time.monotonic()
        if error is not None and seconds > 0:
            self.note_turned_away(client)
            wait = seconds if error.code is SoapOutcome.MINUTE else error.seconds
            raise OverLimitError(client, error.code, wait, error.left)

    def note_turned_away(self, client: Client) -> None:
        """Counted with the client's next question."""
        self._turned_away[client.name] = self._turned_away.get(client.name, 0) + 1

    def take(
        self, question: "Question", persons: int, code: str, known: int = _LOOK_UP, digits: str = ""
    ) -> list[bytes | None]:
        """Count it and write it down; what was found of those whose first nine digits these are.

        `code` is how it ended, unless somebody is found. Raises OverLimitError and RedisError.
        """
        client = question.client
        away = self._turned_away.pop(client.name, 0)
        asked = _ASKED.pack(client.per_minute, client.per_day, persons, away, known)
        people, line = lines.pack(question.cedulas), question.line(persons)
        found = self._script.run(self._use + client.name, asked, line, people, code, digits)
        told = found.pop()
        wait, minute, day = _TOLD.unpack_from(told)
        if why := told[_TOLD.size :]:
            raise self._refused(client, why.decode(), wait / 1000, int(day))
        question.left = (int(minute), int(day))
        answer: list[bytes | None] = found
        return answer

    def record(self, question: "Question", outcome: SoapOutcome) -> None:
        """Write down what costs nothing. Raises RedisError."""
        number: Any = self.redis.incr(self._count)
        line = question.line(0) + lines.end(outcome, 0, number)
        self.redis.xadd(self._lines, {"line": line}, maxlen=MOST_LINES)

    def _refused(self, client: Client, why: str, seconds: float, left: int) -> OverLimitError:
        """A process remembers who may ask nothing now, as long as that is so."""
        error = OverLimitError(client, why, seconds, left)
        if error.code is SoapOutcome.MINUTE or left <= 0:
            away = seconds if error.code is SoapOutcome.MINUTE else min(seconds, _AWAY_SECONDS)
            self._waiting[client.name] = time.monotonic() + away, error
        return error


@dataclass
class Question:
    """One message of a client, on its way to an answer."""

    meter: Meter
    client: Client
    address: str
    began: float = field(default_factory=time.monotonic)
    operation: str = ""
    cedulas: Sequence[str] = ()  # of those who were asked about, or found by name
    left: tuple[int, int] | None = None  # questions of this minute, persons of today; once counted
    refused: OverLimitError | None = None

    @property
    def nobody(self) -> SoapOutcome:
        """How it ends when none of those asked about is known."""
        one = self.operation == "GetRiskByCedula"
        return SoapOutcome.NOT_FOUND if one else SoapOutcome.ANSWERED

    def read(self, redis: Redis, cedulas: Sequence[str]) -> list[bytes | None]:
        """As `store.read`; the first time, this counts and records it. Raises as `Meter.take`."""
        if self.left is not None:
            return store.read(redis, cedulas)
        self.cedulas = cedulas
        digits = "".join(cedula[:9] for cedula in cedulas)
        return self._take(len(cedulas), self.nobody, digits=digits)

    def settle(self, code: str) -> None:
        """Count and record what was answered without `read`. Raises as `Meter.take`."""
        if self.refused is not None:
            raise self.refused
        if self.left is None:
            if code:  # whoever was found is not in the answer
                self.cedulas = ()
            known = len(self.cedulas)
            persons = max(1, known) if self.operation == "FindRiskByName" and not code else known
            self._take(persons, code or SoapOutcome.ANSWERED, known)

    def line(self, persons: int) -> str:
        """What is written down of it, but for how it ended."""
        spent = round((time.monotonic() - self.began) * 1000)
        return lines.begin(self.client.name, self.operation, persons, self.address, spent)

    def _take(
        self, persons: int, code: str, known: int = _LOOK_UP, digits: str = ""
    ) -> list[bytes | None]:
        try:
            return self.meter.take(self, persons, code, known, digits)
        except OverLimitError as error:
            self.refused = error
            raise


@contextmanager
def asking(question: Question | None) -> Iterator[None]:
    """What this thread looks up is for this question."""
    token = _NOW.set(question)
    try:
        yield
    finally:
        _NOW.reset(token)


def read(redis: Redis, cedulas: Sequence[str]) -> list[bytes | None]:
    """As `store.read`; the first time for a question, this counts and records it."""
    question = _NOW.get()
    return store.read(redis, cedulas) if question is None else question.read(redis, cedulas)


def note_found(cedulas: Sequence[str]) -> None:
    """Whose reports are in the answer to a search by name."""
    if (question := _NOW.get()) is not None:
        question.cedulas = cedulas
