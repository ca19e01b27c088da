"""Rules of runs and of the monthly schedule."""

from datetime import datetime, timedelta

import pytest

from services.mailer import rules, senders, sending
from shared.clock import GUAYAQUIL
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState as S
from shared.errors import Conflict, Invalid
from shared.settings import Settings

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=GUAYAQUIL)


@pytest.mark.parametrize(
    ("action", "states"),
    [
        ("pause", {S.SENDING, S.SCHEDULED}),
        ("resume", {S.PAUSED}),
        ("cancel", {S.PREPARING, S.SENDING, S.SCHEDULED, S.PAUSED}),
        ("retry", {S.FINISHED, S.CANCELLED, S.FAILED}),
    ],
)
def test_actions_are_allowed_in_their_states_only(action: str, states: set[S]) -> None:
    for state in S:
        if state in states:
            rules.check_allowed(action, state)
        else:
            with pytest.raises(Conflict):
                rules.check_allowed(action, state)


def test_only_an_executing_campaign_with_mail_is_mailed() -> None:
    rules.check_campaign(Phase.EXECUTING, [Channel.MAIL])
    for phase in set(Phase) - {Phase.EXECUTING}:
        with pytest.raises(Conflict, match="ejecución"):
            rules.check_campaign(phase, [Channel.MAIL])
    with pytest.raises(Conflict, match="correo"):
        rules.check_campaign(Phase.EXECUTING, [Channel.PHONE])


@pytest.mark.parametrize(
    ("day", "hour", "due"),
    [(1, 9, True), (20, 10, True), (20, 11, False), (21, 0, False), (19, 23, True)],
)
def test_month_is_due_from_its_day_and_hour_on_also_late(day: int, hour: int, due: bool) -> None:
    assert rules.due_month(NOW, day, hour) == ("2026-11" if due else None)


def test_month_is_written_as_the_key_of_its_run() -> None:
    assert rules.month_of(NOW) == "2026-11"


@pytest.mark.parametrize(
    ("local", "day", "due"),
    [
        (datetime(2027, 2, 27, 23, tzinfo=GUAYAQUIL), 31, False),
        (datetime(2027, 2, 28, 9, tzinfo=GUAYAQUIL), 31, True),
        (datetime(2027, 2, 28, 8, tzinfo=GUAYAQUIL), 29, False),
        (datetime(2028, 2, 28, 23, tzinfo=GUAYAQUIL), 30, False),
        (datetime(2028, 2, 29, 9, tzinfo=GUAYAQUIL), 30, True),
        (datetime(2026, 11, 30, 9, tzinfo=GUAYAQUIL), 31, True),
        (datetime(2026, 12, 30, 23, tzinfo=GUAYAQUIL), 31, False),
        (datetime(2026, 12, 31, 9, tzinfo=GUAYAQUIL), 31, True),
    ],
)
def test_a_day_that_a_month_has_not_is_its_last(local: datetime, day: int, due: bool) -> None:
    assert (rules.due_month(local, day, 9) is not None) is due


@pytest.mark.parametrize("month", ["2026-12", "2027-01", "2026-10", "2025-11", "1999-01"])
def test_only_the_present_month_is_begun(month: str) -> None:
    rules.check_month("2026-11", NOW)
    with pytest.raises(Invalid) as error:
        rules.check_month(month, NOW)
    assert error.value.fields[0].field == "month"


def test_send_at_in_the_past_is_refused_and_a_form_left_open_is_not() -> None:
    rules.check_send_at(None, NOW)
    rules.check_send_at(NOW - timedelta(minutes=5), NOW)
    with pytest.raises(Invalid):
        rules.check_send_at(NOW - timedelta(minutes=5, seconds=1), NOW)


def test_state_to_start() -> None:
    assert rules.state_to_start(None, NOW) is S.SENDING
    assert rules.state_to_start(NOW, NOW) is S.SENDING
    assert rules.state_to_start(NOW + timedelta(seconds=1), NOW) is S.SCHEDULED


def test_refusals_are_tried_again_after_one_and_ten_minutes() -> None:
    assert rules.retry_at(1, NOW) == NOW + timedelta(minutes=1)
    assert rules.retry_at(2, NOW) == NOW + timedelta(minutes=10)
    assert rules.retry_at(3, NOW) is None
    assert rules.retry_at(7, NOW) is None


def test_a_server_is_left_alone_twice_as_long_each_time_up_to_five_minutes() -> None:
    waits = [rules.server_wait(failures).total_seconds() for failures in (1, 2, 3, 5, 6, 7, 5000)]
    assert waits == [10, 20, 40, 160, 300, 300, 300]


@pytest.mark.parametrize(
    ("words", "about_address"),
    [
        ("550 5.1.1 no such user", True),
        ("550-5.1.1 no such user", True),
        ("550 5.1.2 no such domain", True),
        ("501 5.1.3 bad address", True),
        ("551 5.1.6 moved", True),
        ("553 5.1.8 bad sender", False),
        ("550 5.1.10 null MX", True),
        ("550 5.2.1 disabled", True),
        ("552 5.2.2 full", True),
        ("552 5.2.3 too large", False),
        ("550 5.1.11 odd", False),
        ("550 5.7.1 relaying denied", False),
        ("550 no such user", False),
        ("450 5.1.1 later", False),
    ],
)
def test_which_refusals_are_about_one_address(words: str, about_address: bool) -> None:
    assert rules.is_about_address(words) is about_address


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("pauser", [*rules.Pauser, None])
def test_what_a_phase_makes_of_a_run(phase: Phase, state: S, pauser: rules.Pauser | None) -> None:
    ended = state in (S.FINISHED, S.CANCELLED, S.FAILED)
    expected = None
    if phase in (Phase.CLOSING, Phase.FINISHED, Phase.CANCELLED) and not ended:
        expected = S.CANCELLED
    elif phase is Phase.PAUSED and state in (S.SENDING, S.SCHEDULED):
        expected = S.PAUSED
    elif phase is Phase.EXECUTING and (state, pauser) == (S.PAUSED, rules.Pauser.CAMPAIGN):
        expected = S.SENDING
    assert rules.state_by_phase(phase, state, pauser) is expected


def test_a_sender_is_given_up_only_after_it_missed_two_beats() -> None:
    silent = 2 * senders.BEAT_SECONDS + sending.REPORT_SECONDS
    assert silent < senders.LEASE.total_seconds() <= 60


def test_a_mail_server_is_given_the_time_of_rfc_5321() -> None:
    times = {name: field.default for name, field in Settings.model_fields.items()}
    assert times["smtp_command_seconds"] == 5 * 60
    assert times["smtp_data_seconds"] == 2 * 60
    assert times["smtp_block_seconds"] == 3 * 60
    assert times["smtp_end_seconds"] == 10 * 60


def test_seconds_left_needs_a_rate() -> None:
    assert rules.seconds_left(100, 50.0) == 2
    assert rules.seconds_left(100, None) is None
    assert rules.seconds_left(100, 0.0) is None


def test_masked_address_gives_nothing_away() -> None:
    assert rules.mask("maria@correo.ec") == "m…@correo.ec"
