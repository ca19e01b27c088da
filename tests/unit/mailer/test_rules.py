"""Rules of runs and of the monthly schedule."""

from datetime import datetime, timedelta

import pytest

from services.mailer import rules
from shared.clock import GUAYAQUIL
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState as S
from shared.errors import Conflict, Invalid

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=GUAYAQUIL)


@pytest.mark.parametrize(
    ("action", "states"),
    [
        ("pause", {S.SENDING, S.SCHEDULED}),
        ("resume", {S.PAUSED}),
        ("cancel", {S.PREPARING, S.SENDING, S.SCHEDULED, S.PAUSED}),
        ("retry", {S.FINISHED, S.CANCELLED}),
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


def test_month_to_come_is_refused() -> None:
    rules.check_month("2026-11", NOW)
    rules.check_month("2026-10", NOW)
    with pytest.raises(Invalid):
        rules.check_month("2026-12", NOW)


def test_send_at_in_the_past_is_refused_and_a_form_left_open_is_not() -> None:
    rules.check_send_at(None, NOW)
    rules.check_send_at(NOW - timedelta(minutes=4), NOW)
    with pytest.raises(Invalid):
        rules.check_send_at(NOW - timedelta(minutes=6), NOW)


def test_state_to_start() -> None:
    assert rules.state_to_start(None, NOW) is S.SENDING
    assert rules.state_to_start(NOW, NOW) is S.SENDING
    assert rules.state_to_start(NOW + timedelta(seconds=1), NOW) is S.SCHEDULED


def test_refusals_are_tried_again_twice() -> None:
    first, second = rules.retry_at(1, NOW), rules.retry_at(2, NOW)
    assert first is not None
    assert second is not None
    assert NOW < first < second
    assert rules.retry_at(3, NOW) is None
    assert rules.retry_at(7, NOW) is None


def test_seconds_left_needs_a_rate() -> None:
    assert rules.seconds_left(100, 50.0) == 2
    assert rules.seconds_left(100, None) is None
    assert rules.seconds_left(100, 0.0) is None


def test_masked_address_gives_nothing_away() -> None:
    assert rules.mask("maria@correo.ec") == "m…@correo.ec"
