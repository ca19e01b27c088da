"""telemarketing's decisions: results, calling hours, shares, risk."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.telemarketing import rules
from shared.clock import GUAYAQUIL
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.contracts.telemarketing import (
    CallResult,
    NewAssignment,
    NewCall,
    Offer,
    RiskState,
    Strategy,
)
from shared.errors import Invalid
from shared.settings import Settings

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)

# --- results ---


def test_every_result_has_a_meaning_and_a_key_of_its_own() -> None:
    assert list(rules.MEANINGS) == list(CallResult)
    assert [meaning.key for meaning in rules.MEANINGS.values()] == list("1234567890")


@pytest.mark.parametrize("result", [r for r in CallResult if r is not CallResult.CALLBACK])
def test_a_result_ends_the_turn_or_waits(result: CallResult) -> None:
    meaning = rules.MEANINGS[result]
    follows = rules.consequence(result, None, 1, NOW)
    assert follows.done is meaning.final
    assert follows.callback_at is None
    assert meaning.final or follows.next_at > NOW


_HOURS = 60
MEANINGS = {  # contacted, success, final, minutes until the next attempt
    CallResult.ACCEPTED: ("Aceptó", True, True, True, None),
    CallResult.INTERESTED: ("Interesado", True, False, False, 48 * _HOURS),
    CallResult.CALLBACK: ("Volver a llamar", True, False, False, None),
    CallResult.NOT_INTERESTED: ("No le interesa", True, False, True, None),
    CallResult.DO_NOT_CALL: ("No llamar más", True, False, True, None),
    CallResult.NO_ANSWER: ("No contesta", False, False, False, 3 * _HOURS),
    CallResult.BUSY: ("Ocupado", False, False, False, 20),
    CallResult.VOICEMAIL: ("Buzón de voz", False, False, False, 4 * _HOURS),
    CallResult.WRONG_NUMBER: ("Número equivocado", False, False, True, None),
    CallResult.OUT_OF_SERVICE: ("Fuera de servicio", False, False, True, None),
}


@pytest.mark.parametrize("result", list(CallResult))
def test_what_each_result_means(result: CallResult) -> None:
    meaning = rules.MEANINGS[result]
    shown = (meaning.label, meaning.contacted, meaning.success, meaning.final)
    assert (*shown, meaning.retry_minutes) == MEANINGS[result]


@pytest.mark.parametrize(
    ("result", "minutes"),
    [(result, minutes) for result, (*_, minutes) in MEANINGS.items() if minutes is not None],
)
def test_the_next_attempt_is_as_far_off_as_the_table_says(result: CallResult, minutes: int) -> None:
    assert rules.consequence(result, None, 1, NOW).next_at == NOW + timedelta(minutes=minutes)


def test_a_note_has_at_most_2000_characters_here_and_at_the_door() -> None:
    assert rules.MAX_NOTE == 2000
    lease = uuid4()
    assert NewCall(lease_id=lease, result=CallResult.BUSY, note="x" * 2000)
    with pytest.raises(ValidationError):
        NewCall(lease_id=lease, result=CallResult.BUSY, note="x" * 2001)


@pytest.mark.parametrize(("advisors", "each"), [(0, 1), (101, 1), (1, 0), (1, 5001)])
def test_an_assignment_is_for_1_to_100_advisors_and_1_to_5000_people(
    advisors: int, each: int
) -> None:
    names = [f"asesor{number}" for number in range(advisors)]
    with pytest.raises(ValidationError):
        NewAssignment(advisors=names, per_advisor=each)
    assert NewAssignment(advisors=(names or ["ana"])[:100], per_advisor=min(max(each, 1), 5000))


def test_callback_waits_until_the_agreed_time() -> None:
    follows = rules.consequence(CallResult.CALLBACK, LATER, 1, NOW)
    assert follows == rules.Consequence(done=False, next_at=LATER, callback_at=LATER)


@pytest.mark.parametrize("callback_at", [None, NOW, NOW - timedelta(seconds=1)])
def test_callback_without_a_time_to_come_is_invalid(callback_at: datetime | None) -> None:
    with pytest.raises(Invalid):
        rules.consequence(CallResult.CALLBACK, callback_at, 1, NOW)


def test_a_time_with_another_result_is_invalid() -> None:
    with pytest.raises(Invalid):
        rules.consequence(CallResult.BUSY, LATER, 1, NOW)


def test_who_is_never_reached_is_let_be_and_who_agreed_is_not() -> None:
    last = 8
    assert not rules.consequence(CallResult.BUSY, None, last - 1, NOW).done
    assert rules.consequence(CallResult.BUSY, None, last, NOW).done
    assert not rules.consequence(CallResult.INTERESTED, None, last, NOW).done
    assert not rules.consequence(CallResult.CALLBACK, LATER, last, NOW).done


def test_script_is_filled_in_and_other_braces_stay() -> None:
    text = rules.fill_script("Hola {nombre}, soy {asesor} {x}", "Rosa", "Ana")
    assert text == "Hola Rosa, soy Ana {x}"


# --- calling hours ---


@pytest.mark.parametrize(
    ("local", "may"), [("07:59", False), ("08:00", True), ("19:59", True), ("20:00", False)]
)
def test_calling_hours_begin_and_end_to_the_minute(local: str, *, may: bool) -> None:
    moment = datetime.fromisoformat(f"2026-11-20T{local}:30-05:00")
    assert rules.may_call("08:00-20:00", moment, GUAYAQUIL) is may


def test_the_law_is_asked_in_ecuadors_time() -> None:
    assert Settings.model_fields["calling_hours"].default == "08:00-20:00"
    assert rules.may_call("08:00-20:00", datetime(2026, 11, 20, 13, tzinfo=UTC), GUAYAQUIL)
    assert not rules.may_call("08:00-20:00", datetime(2026, 11, 20, 12, tzinfo=UTC), GUAYAQUIL)


@pytest.mark.parametrize(
    ("local", "opening"),
    [
        ("07:59", "2026-11-20T08:00"),
        ("08:00", "2026-11-21T08:00"),
        ("20:00", "2026-11-21T08:00"),
        ("23:59", "2026-11-21T08:00"),
    ],
)
def test_the_next_opening(local: str, opening: str) -> None:
    moment = datetime.fromisoformat(f"2026-11-20T{local}:00-05:00")
    expected = datetime.fromisoformat(f"{opening}:00-05:00")
    assert rules.next_opening("08:00-20:00", moment, GUAYAQUIL) == expected


def test_a_whole_day_may_be_allowed() -> None:
    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
    for hour in range(24):
        assert rules.may_call("00:00-24:00", midnight + timedelta(hours=hour), GUAYAQUIL)


@pytest.mark.parametrize("text", ["20:00-08:00", "08:00-08:00", "08:00-25:00"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span"):
        rules.parse_hours(text)


@given(st.integers(0, 5 * 365 * 24 * 60))
def test_the_next_opening_is_to_come_within_a_day_and_open(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    opening = rules.next_opening("08:00-20:00", moment, GUAYAQUIL)
    assert timedelta(0) < opening - moment <= timedelta(days=1)
    assert rules.may_call("08:00-20:00", opening, GUAYAQUIL)
    assert not rules.may_call("08:00-20:00", opening - timedelta(minutes=1), GUAYAQUIL)


# --- shares ---

ADVISORS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), min_size=1)
FREE = st.dictionaries(st.sampled_from(["09", "17", "01", None]), st.integers(1, 60))


@given(
    strategy=st.sampled_from(list(Strategy)),
    per_advisor=st.integers(1, 30),
    open_now=ADVISORS,
    free=FREE,
)
def test_shares_give_each_person_once_and_nobody_too_many(
    strategy: Strategy, per_advisor: int, open_now: dict[str, int], free: dict[str | None, int]
) -> None:
    shares = rules.plan_shares(strategy, per_advisor, open_now, free)
    given_to = dict.fromkeys(open_now, 0)
    for share in shares:
        assert share.count > 0
        given_to[share.advisor] += share.count
    has = open_now if strategy is Strategy.CAPACITY else dict.fromkeys(open_now, 0)
    wanted = sum(max(0, per_advisor - level) for level in has.values())
    assert sum(given_to.values()) == min(sum(free.values()), wanted)
    assert all(has[name] + count <= per_advisor for name, count in given_to.items() if count)
    for province, people in free.items():
        asked = [share.count for share in shares if share.province == (province,)]
        assert sum(asked) <= people


@given(per_advisor=st.integers(1, 30), open_now=ADVISORS, available=st.integers(0, 200))
def test_levelling_never_passes_over_an_emptier_one(
    per_advisor: int, open_now: dict[str, int], available: int
) -> None:
    added = rules.level(open_now, per_advisor, available)
    after = {name: open_now[name] + count for name, count in added.items()}
    emptiest = min(after.values())
    assert all(after[name] <= emptiest + 1 for name, count in added.items() if count)


def test_provinces_stay_whole_as_far_as_it_goes() -> None:
    shares = rules.plan_shares(
        Strategy.PROVINCE, 10, {"ana": 0, "eva": 0}, {"17": 10, "09": 6, "01": 4}
    )
    places = {(share.advisor, share.province) for share in shares}
    assert places == {("ana", ("17",)), ("eva", ("09",)), ("eva", ("01",))}


# --- risk ---


def report(category: RiskCategory) -> RiskReport:
    return RiskReport(
        cedula="1710034065",
        full_name="Rosa Mora",
        category=category,
        score=500,
        total_debt=Decimal(10),
        days_overdue=0,
        reported_on=NOW.date(),
        source="Banco",
    )


@pytest.mark.parametrize(
    ("category", "offer"),
    [
        (RiskCategory.A1, Offer.ALL),
        (RiskCategory.A2, Offer.ALL),
        (RiskCategory.A3, Offer.ALL),
        (RiskCategory.B1, Offer.ALL),
        (RiskCategory.B2, Offer.PREPAID_ONLY),
        (RiskCategory.C1, Offer.PREPAID_ONLY),
        (RiskCategory.C2, Offer.PREPAID_ONLY),
        (RiskCategory.D, Offer.NONE),
        (RiskCategory.E, Offer.NONE),
    ],
)
def test_policy_by_band(category: RiskCategory, offer: Offer) -> None:
    assert rules.policy(RiskState.KNOWN, report(category))[0] is offer


@pytest.mark.parametrize(
    ("category", "part"), [("A1", "todos los planes"), ("C1", "solo prepago"), ("E", "No ofrezca")]
)
def test_the_advisor_is_told_what_to_offer(category: str, part: str) -> None:
    assert part in rules.policy(RiskState.KNOWN, report(RiskCategory(category)))[1]


def test_a_worse_band_is_never_offered_more() -> None:
    order = [Offer.ALL, Offer.PREPAID_ONLY, Offer.NONE]
    offers = [rules.policy(RiskState.KNOWN, report(band))[0] for band in RiskCategory]
    assert offers == sorted(offers, key=order.index)


def test_without_an_answer_calls_go_on_with_what_needs_no_credit() -> None:
    for state in (RiskState.UNKNOWN, RiskState.UNAVAILABLE):
        offer, message = rules.policy(state, None)
        assert offer is Offer.PREPAID_ONLY
        assert "solo prepago" in message
    assert "no responde" in rules.policy(RiskState.UNAVAILABLE, None)[1]
    assert "no tiene datos" in rules.policy(RiskState.UNKNOWN, None)[1]
