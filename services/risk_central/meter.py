"""What a question costs its client, and its line on record: one step in Redis with the answer.

A question is counted, looked up and written down by one script, so no answer leaves that is not on
record, and it costs no round trip more than the answer alone. What the script does not look up
(a search by name, a fault) is counted and written down by a second one before the answer leaves.

Keys, all `risk_central:soap:…`: `use:<client>` → seven numbers, packed (`USE`): when all questions
of a minute are there again, the day, how many were asked on it, about how many persons, how many
were refused, when that was written down last, when it was asked last; `lines` → the stream of what
was asked, which the room's job empties (`questions.take_in`); `count` → how many lines there were.
"""

import hashlib
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from services.risk_central import editions, store
from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client
from shared import audit
from shared.contracts.soap_clients import SoapOutcome
from shared.ecuador.money import format_number
from shared.redis import key

MOST_LINES = 200_000  # in the stream, about; the oldest beyond are lost, and counted (`questions`)
USE = struct.Struct(">7d")
OPERATIONS = frozenset({"GetRiskByCedula", "FindRiskByName", "GetRisks"})
_AWAY_SECONDS = 2.0  # that a process says no by itself to who has used up the day

# A day is Ecuador's, five hours behind. A question that is refused costs nothing, and a minute's
# refusals of a client are one line.
_SCRIPT = """
local a_minute, a_day = tonumber(ARGV[1]), tonumber(ARGV[2])
local persons, code = tonumber(ARGV[3]), ARGV[6]
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local day = math.floor((now[1] - 18000) / 86400)
local full, told, asked, before, refused = ms, 0, 0, 0, tonumber(ARGV[4])
local use = redis.call('GET', KEYS[1])
if use then
  local till, of_day, a, b, r, t = struct.unpack('>dddddd', use)
  full, told = math.max(till, ms), t
  if of_day == day then asked, before, refused = a, b, refused + r end
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
  more = math.max(0, math.floor(-over / step))
end
local function record(how, known)
  local number = redis.call('INCR', KEYS[3])
  redis.call('XADD', KEYS[2], '*', 'line', ARGV[5] .. how .. '\t' .. known .. '\t' .. number)
  if number % 100 == 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[8]) end
end
local found, known = {}, 0
if why == '' then
  asked, before = asked + 1, before + persons
  if #ARGV == 10 then
    known = ARGV[10]
  else
    local edition = ARGV[10]
    if edition == '*' then edition = redis.call('GET', KEYS[4]) or '' end
    local begins, rest = ARGV[9] .. edition .. 'r:', ARGV[9] .. edition .. 'l:'
    for i = 11, #ARGV, 2 do
      local value = redis.call('HGET', begins .. ARGV[i], ARGV[i + 1])
      if value then
        known = known + 1
        if #value == 64 then
          value = value .. (redis.call('HGET', rest .. ARGV[i], ARGV[i + 1]) or '')
        end
      end
      found[#found + 1] = value
    end
    if known == 0 then code = ARGV[7] end
  end
  record(code, known)
else
  refused = refused + 1
  if ms - told >= 60000 then
    told = ms
    record(why, 0)
  end
end
local kept = struct.pack('>ddddddd', full, day, asked, before, refused, told, ms)
redis.call('SET', KEYS[1], kept, 'EX', 172800)
return {why, wait, more, a_day - before, found}
"""
_KEYS = 4
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
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
        self._use, self._keys = f"{begins}use:", (f"{begins}lines", f"{begins}count")
        self._edition, self._head = editions.pointer(), editions.head()
        self._waiting: dict[str, tuple[float, OverLimitError]] = {}
        self._turned_away: dict[str, int] = {}  # since Redis was last told, by client

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

    def take(self, question: "Question", persons: int, code: str, *more: object) -> list[Any]:
        """Count it and write it down; what was found. Raises OverLimitError and RedisError."""
        client = question.client
        turned_away = self._turned_away.pop(client.name, 0)
        why, wait, minute, day, found = self._run(
            self._use + client.name,
            *self._keys,
            self._edition,
            client.per_minute,
            client.per_day,
            persons,
            turned_away,
            question.line(persons),
            code,
            question.nobody,
            MOST_LINES,
            self._head,
            *more,
        )
        if why:
            raise self._refused(client, why.decode(), wait / 1000, day)
        question.left = (minute, day)
        answer: list[Any] = found
        return answer

    def record(self, question: "Question", outcome: SoapOutcome) -> None:
        """Write down what costs nothing. Raises RedisError."""
        lines, count = self._keys
        line = f"{question.line(0)}{outcome}\t0\t{self.redis.incr(count)}"
        self.redis.xadd(lines, {"line": line}, maxlen=MOST_LINES)

    def _run(self, *told: Any) -> Any:
        try:
            return self.redis.evalsha(_SHA, _KEYS, *told)
        except NoScriptError:
            return self.redis.eval(_SCRIPT, _KEYS, *told)

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

    def read(self, cedulas: Sequence[str]) -> list[bytes | None]:
        """Reports as stored, counted and on record with that. Raises as `Meter.take`."""
        self.cedulas = cedulas
        code = SoapOutcome.ANSWERED
        return self._take(len(cedulas), code, store.NOW, *store.places(cedulas))

    def settle(self, code: str) -> None:
        """Count and record what was answered without `read`. Raises as `Meter.take`."""
        if self.refused is not None:
            raise self.refused
        if self.left is None:
            known = len(self.cedulas)
            persons = max(1, known) if self.operation == "FindRiskByName" and not code else known
            self._take(persons, code or SoapOutcome.ANSWERED, known)

    def line(self, persons: int) -> str:
        """What is written down of it, but for how it ended."""
        spent = round((time.monotonic() - self.began) * 1000)
        people = " ".join(audit.fingerprints(self.cedulas))
        asked = f"{self.client.name}\t{self.operation}\t{persons}\t{self.address}"
        return f"{asked}\t{spent}\t{people}\t"

    def _take(self, persons: int, code: str, *more: object) -> list[Any]:
        try:
            return self.meter.take(self, persons, code, *more)
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
    if question is None or question.left is not None:
        return store.read(redis, cedulas)
    return question.read(cedulas)


def note_found(cedulas: Sequence[str]) -> None:
    """Whose reports are in the answer to a search by name."""
    if (question := _NOW.get()) is not None:
        question.cedulas = cedulas
