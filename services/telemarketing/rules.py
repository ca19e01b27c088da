"""What follows from a result or a person's risk, when one may call, and who gets how many."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.contracts.telemarketing import (
    BureauTrouble,
    CallResult,
    Offer,
    ResultMeaning,
    RiskState,
    Strategy,
)
from shared.errors import Invalid

# --- results ---

MAX_NOTE = 2000
CALLBACK_MOST = timedelta(days=365)  # ahead: what is agreed for later is a slip of the hand
MAX_ATTEMPTS = 8  # a person who is never reached is then let be


def _meaning(
    result: CallResult, key: str, *, flags: str, retry_minutes: int | None = None
) -> ResultMeaning:
    return ResultMeaning(
        result=result,
        label=result.word,
        key=key,
        contacted="contacted" in flags,
        success="success" in flags,
        final="final" in flags,
        retry_minutes=retry_minutes,
    )


_R = CallResult
MEANINGS: dict[CallResult, ResultMeaning] = {
    meaning.result: meaning
    for meaning in (
        _meaning(_R.ACCEPTED, "1", flags="contacted success final"),
        _meaning(_R.INTERESTED, "2", flags="contacted", retry_minutes=2 * 24 * 60),
        _meaning(_R.CALLBACK, "3", flags="contacted"),
        _meaning(_R.NOT_INTERESTED, "4", flags="contacted final"),
        _meaning(_R.DO_NOT_CALL, "5", flags="contacted final"),
        _meaning(_R.NO_ANSWER, "6", flags="", retry_minutes=180),
        _meaning(_R.BUSY, "7", flags="", retry_minutes=20),
        _meaning(_R.VOICEMAIL, "8", flags="", retry_minutes=240),
        _meaning(_R.WRONG_NUMBER, "9", flags="final"),
        _meaning(_R.OUT_OF_SERVICE, "0", flags="final"),
    )
}


@dataclass(frozen=True)
class Consequence:
    """What a result makes of a person on the call list."""

    done: bool
    next_at: datetime
    callback_at: datetime | None


def consequence(
    result: CallResult, callback_at: datetime | None, attempts: int, now: datetime
) -> Consequence:
    """What follows from a result; `attempts` counts this call. Raises Invalid on `callback_at`."""
    if result is CallResult.CALLBACK:
        agreed = _check_callback(callback_at, now)
        return Consequence(done=False, next_at=agreed, callback_at=agreed)
    if callback_at is not None:
        word = CallResult.CALLBACK.word
        raise Invalid.field("callback_at", f"La hora va solo con el resultado «{word}».")
    meaning = MEANINGS[result]
    wait = timedelta(minutes=meaning.retry_minutes or 0)
    given_up = not meaning.contacted and attempts >= MAX_ATTEMPTS
    return Consequence(done=meaning.final or given_up, next_at=now + wait, callback_at=None)


def _check_callback(callback_at: datetime | None, now: datetime) -> datetime:
    if callback_at is None:
        raise Invalid.field("callback_at", "Indique cuándo volver a llamar.")
    if callback_at <= now:
        raise Invalid.field("callback_at", "Elija una fecha y hora que esté por venir.")
    if callback_at > now + CALLBACK_MOST:
        raise Invalid.field("callback_at", "Elija una fecha dentro de un año como máximo.")
    return callback_at


def check_lawful(callback_at: datetime | None, hours: str, zone: ZoneInfo) -> None:
    """Nobody agrees to a call at a time when nobody may be called. Raises Invalid."""
    if callback_at is not None and not may_call(hours, callback_at, zone):
        start, end = hours.split("-")
        text = f"Solo se llama de {start} a {end}: elija una hora dentro de ese horario."
        raise Invalid.field("callback_at", text)


def fill_script(script: str, customer: str, advisor: str) -> str:
    """The campaign's script with the names of who is called and who calls."""
    return script.replace("{nombre}", customer).replace("{asesor}", advisor)


# --- calling hours ---


def parse_hours(text: str) -> tuple[int, int]:
    """`08:00-20:00` as minutes of the day. Raises ValueError for hours that are none."""
    start, end = (_minutes(part) for part in text.split("-"))
    if not 0 <= start < end <= 24 * 60:
        raise ValueError(f"{text} is no span of hours")
    return start, end


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    return hours * 60 + minutes


def may_call(hours: str, now: datetime, zone: ZoneInfo) -> bool:
    """Whether people may be called at this moment."""
    start, end = parse_hours(hours)
    local = now.astimezone(zone)
    return start <= local.hour * 60 + local.minute < end


def next_opening(hours: str, now: datetime, zone: ZoneInfo) -> datetime:
    """When calling hours begin next."""
    start, _ = parse_hours(hours)
    local = now.astimezone(zone)
    opening = _at(local.date(), start, zone)
    return opening if opening > now else _at(local.date() + timedelta(days=1), start, zone)


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone) + timedelta(minutes=minutes)


# --- shares ---


@dataclass(frozen=True)
class Share:
    """So many people for an advisor; `province` is a tuple of one where it matters which."""

    advisor: str
    count: int
    province: tuple[str | None] | None = None


def plan_shares(
    strategy: Strategy,
    per_advisor: int,
    open_now: Mapping[str, int],
    free: Mapping[str | None, int],
) -> list[Share]:
    """Who gets how many of those nobody has; `open_now` names all advisors, `free` is by province.

    Equal and by province: `per_advisor` each, evenly fewer when there are not enough. By
    capacity: each is filled up to `per_advisor` open ones, those with the fewest first.
    """
    filled = open_now if strategy is Strategy.CAPACITY else dict.fromkeys(open_now, 0)
    quotas = level(filled, per_advisor, sum(free.values()))
    if strategy is Strategy.PROVINCE:
        return _by_province(quotas, free)
    return [Share(advisor, count) for advisor, count in quotas.items() if count]


def level(filled: Mapping[str, int], limit: int, available: int) -> dict[str, int]:
    """How many to add to each, none over `limit`, so that the emptiest come first."""

    def added(height: int) -> int:
        return sum(max(0, height - level) for level in filled.values())

    height = bisect_right(range(limit + 1), available, key=added) - 1
    given = {name: max(0, height - level) for name, level in filled.items()}
    left = available - sum(given.values())
    for name, level in filled.items():
        if left > 0 and level + given[name] == height < limit:
            given[name] += 1
            left -= 1
    return given


def _by_province(quotas: dict[str, int], free: Mapping[str | None, int]) -> list[Share]:
    """Large provinces first, each to whoever can take the most of it."""
    left = dict(quotas)
    shares: list[Share] = []
    for province, people in sorted(free.items(), key=lambda item: (-item[1], item[0] or "")):
        while people and any(left.values()):
            advisor = max(left, key=lambda name: left[name])
            count = min(people, left[advisor])
            shares.append(Share(advisor, count, (province,)))
            left[advisor] -= count
            people -= count
    return shares


# --- risk ---

_C = RiskCategory
_ALL = frozenset({_C.A1, _C.A2, _C.A3, _C.B1})
_PREPAID = frozenset({_C.B2, _C.C1, _C.C2})
_MESSAGES = {
    Offer.ALL: "Puede ofrecer todos los planes y equipos.",
    Offer.PREPAID_ONLY: "Ofrezca solo prepago: su calificación no alcanza para pospago ni crédito.",
    Offer.NONE: "No ofrezca nada en esta llamada: su calificación es de alto riesgo.",
}
_UNKNOWN = "La central no tiene datos de esta persona: ofrezca solo prepago."
_UNAVAILABLE = (
    "La central de riesgos no responde. Siga con la llamada y ofrezca solo prepago; "
    "puede volver a consultar en unos segundos."
)


_REFUSED = (
    "La central de riesgos rechaza las credenciales del sistema; el administrador tiene el aviso. "
    "Siga con la llamada y ofrezca solo prepago."
)


def policy(
    state: RiskState, report: RiskReport | None, trouble: BureauTrouble | None = None
) -> tuple[Offer, str]:
    """What may be offered, and the sentence for the advisor.

    Without an answer of the bureau calls go on, with what needs no credit.
    """
    if state is RiskState.UNAVAILABLE:
        refused = trouble is BureauTrouble.CREDENTIALS
        return Offer.PREPAID_ONLY, _REFUSED if refused else _UNAVAILABLE
    if report is None:
        return Offer.PREPAID_ONLY, _UNKNOWN
    offer = _offer(report.category)
    return offer, _MESSAGES[offer]


def _offer(category: RiskCategory) -> Offer:
    if category in _ALL:
        return Offer.ALL
    return Offer.PREPAID_ONLY if category in _PREPAID else Offer.NONE
