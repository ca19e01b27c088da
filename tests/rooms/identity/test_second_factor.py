"""The second factor at the log-in: asked for, guessed, lost; no code is good twice."""

import re
from typing import Any

import eventlet
import pytest
from redis import Redis
from sqlalchemy import text

from services.identity import tickets, tries
from shared.contracts.identity import (
    UserChange,
)
from shared.errors import Denied, Invalid
from tests.rooms.identity.telephones import (
    HERE,
    PASSWORD,
    THERE,
    acting,
    is_running,
    make,
    recorded,
    sent,
    ticket_of,
    turn_on,
)

# --- log-in ---


@pytest.mark.usefixtures("moment")
def test_the_right_password_gives_a_ticket_and_the_code_a_session(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    session = identity.finish_log_in(ticket_of(identity), phone.code(), HERE, agent="Firefox")
    assert session.actor.username == "ana"
    assert is_running(identity, session.token)
    assert tries.find_device(session.device, "ana")
    with acting(ana):
        (listed,) = identity.list_sessions(session.token)
    assert (listed.source, listed.agent) == (HERE, "Firefox")
    assert identity.get_user(ana.id).last_login_at is not None


@pytest.mark.usefixtures("moment")
def test_a_ticket_alone_opens_nothing_and_is_not_kept_as_it_is(
    identity: Any, ana: Any, redis: Redis
) -> None:
    turn_on(identity, ana)
    ticket = ticket_of(identity)
    assert not is_running(identity, ticket)
    keys = [name.decode() for name in redis.scan_iter("*")]
    assert not [name for name in keys if ticket in name]
    assert identity.get_user(ana.id).last_login_at is None


def test_a_wrong_password_is_answered_alike_with_and_without_a_second_factor(
    identity: Any, ana: Any
) -> None:
    make(identity, "berta")
    turn_on(identity, ana)
    said = []
    for username in ("ana", "berta", "nobody"):
        with pytest.raises(Denied) as error:
            identity.log_in(username, "no es esta", HERE)
        said.append((error.value.message, error.value.fields))
    assert said == [said[0]] * 3


@pytest.mark.usefixtures("moment")
def test_a_code_is_taken_once_and_none_from_before_it(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    identity.finish_log_in(ticket_of(identity), phone.code(1), HERE)
    for steps in (1, 0, -1):
        with pytest.raises(Invalid, match="ya se usó") as error:
            identity.finish_log_in(ticket_of(identity), phone.code(steps), HERE)
        assert error.value.names("code")


@pytest.mark.usefixtures("moment")
def test_of_ten_who_send_the_same_code_at_once_one_gets_in(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    given = [ticket_of(identity) for _ in range(4)]

    def enter(ticket: str) -> bool:
        try:
            return bool(identity.finish_log_in(ticket, phone.code(), HERE))
        except Invalid:
            return False

    workers = [eventlet.spawn(enter, ticket) for ticket in given]
    assert sorted(worker.wait() for worker in workers) == [False, False, False, True]


@pytest.mark.usefixtures("moment")
def test_a_ticket_is_good_for_one_session_also_with_two_good_codes(identity: Any, ana: Any) -> None:
    phone, recovery = turn_on(identity, ana)
    ticket = ticket_of(identity)

    def enter(code: str) -> bool:
        try:
            return bool(identity.finish_log_in(ticket, code, HERE))
        except Denied:
            return False

    workers = [eventlet.spawn(enter, code) for code in (phone.code(), recovery[0])]
    assert sorted(worker.wait() for worker in workers) == [False, True]
    with pytest.raises(Denied, match="Ingrese de nuevo"):
        identity.finish_log_in(ticket, recovery[1], HERE)


def test_a_clock_may_be_off_by_a_step_and_no_more(identity: Any, ana: Any, moment: Any) -> None:
    phone, _ = turn_on(identity, ana)
    moment(300)
    for steps in (-2, 2):
        with pytest.raises(Invalid):
            identity.finish_log_in(ticket_of(identity), phone.code(steps), HERE)
    for steps in (-1, 1):
        assert identity.finish_log_in(ticket_of(identity), phone.code(steps), HERE).token


@pytest.mark.usefixtures("moment")
def test_a_ticket_ends_after_five_minutes(identity: Any, ana: Any, redis: Redis) -> None:
    phone, _ = turn_on(identity, ana)
    ticket = ticket_of(identity)
    name = tickets._key(ticket)
    assert 290 < redis.ttl(name) <= 300
    redis.delete(name)  # as when they are over
    with pytest.raises(Denied, match="más de cinco minutos"):
        identity.finish_log_in(ticket, phone.code(), HERE)


@pytest.mark.usefixtures("moment")
def test_a_ticket_is_worth_nothing_when_the_user_was_changed_since(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    ticket = ticket_of(identity)
    identity.update_user(ana.id, UserChange.to(password="correo-lluvia-mesa"))
    with pytest.raises(Denied, match="Ingrese de nuevo"):
        identity.finish_log_in(ticket, phone.code(), HERE)


@pytest.mark.usefixtures("moment")
def test_a_code_of_somebody_else_is_none(identity: Any, ana: Any) -> None:
    turn_on(identity, ana)
    berta = make(identity, "berta")
    other, codes = turn_on(identity, berta)
    for code in (other.code(), codes[0]):
        with pytest.raises(Invalid):
            identity.finish_log_in(ticket_of(identity), code, HERE)


# --- recovery codes ---


@pytest.mark.usefixtures("moment")
def test_each_recovery_code_is_good_once_however_it_is_typed(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    with acting(ana):
        codes = identity.renew_recovery_codes("-", PASSWORD, phone.code(), HERE).codes
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
    typed = codes[0].upper().replace("-", "  ")
    assert identity.finish_log_in(ticket_of(identity), sent(typed), HERE).actor.username == "ana"
    with pytest.raises(Invalid, match="recuperación"):
        identity.finish_log_in(ticket_of(identity), sent(codes[0]), HERE)
    with acting(ana):
        assert identity.get_second_factor("-").codes_left == 9
    assert ("recovery_code_used", "ana") in recorded(identity)


@pytest.mark.usefixtures("moment")
def test_new_recovery_codes_take_the_place_of_all_former_ones(identity: Any, ana: Any) -> None:
    phone, codes = turn_on(identity, ana)
    with acting(ana):
        new = identity.renew_recovery_codes("-", PASSWORD, phone.code(), HERE).codes
    assert not {sent(code) for code in new} & set(codes)
    for code in codes:
        with pytest.raises((Invalid, Denied)):
            identity.finish_log_in(ticket_of(identity), code, HERE, "")
    tries.succeed(identity.redis, tries._code_buckets("ana", HERE, ""))
    assert identity.finish_log_in(ticket_of(identity), sent(new[3]), THERE).token


# --- how fast one may try ---


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "FIRST_SECONDS", 1000)
    monkeypatch.setattr(tries, "LONGEST_SECONDS", 90000)


def guess(identity: Any, source: str, device: str = "", ticket: str = "") -> None:
    with pytest.raises(Invalid):
        identity.finish_log_in(ticket or ticket_of(identity), "recuperacion", source, device)


@pytest.mark.usefixtures("moment", "slowly")
def test_wrong_codes_are_slowed_down_and_a_right_password_forgets_none(
    identity: Any, ana: Any
) -> None:
    phone, _ = turn_on(identity, ana)
    for _ in range(tries.FREE):
        guess(identity, HERE)
    with pytest.raises(Denied, match="Espere") as error:
        identity.finish_log_in(ticket_of(identity), phone.code(), HERE)
    assert error.value.fields[0].field == "retry_after"


@pytest.mark.usefixtures("moment", "slowly")
def test_who_guesses_from_everywhere_is_slowed_down_and_a_known_browser_is_not(
    identity: Any, ana: Any
) -> None:
    phone, _ = turn_on(identity, ana)
    device = identity.finish_log_in(ticket_of(identity), phone.code(), HERE).device
    ticket = ticket_of(identity)
    for number in range(tries.FREE_CODES):
        guess(identity, f"10.1.{number}.1", ticket=ticket)
    with pytest.raises(Denied, match="Espere"):
        identity.finish_log_in(ticket, phone.code(1), "10.2.2.2")
    assert identity.finish_log_in(ticket, phone.code(1), "10.2.2.2", device).token


@pytest.mark.usefixtures("moment", "slowly")
def test_others_are_not_slowed_down_by_it(identity: Any, ana: Any) -> None:
    turn_on(identity, ana)
    phone, _ = turn_on(identity, make(identity, "berta"))
    for _ in range(tries.FREE):
        guess(identity, HERE)
    assert identity.finish_log_in(ticket_of(identity, "berta"), phone.code(), HERE).token


@pytest.mark.usefixtures("moment")
def test_wrong_codes_are_on_record_without_the_code(identity: Any, ana: Any) -> None:
    turn_on(identity, ana)
    guess(identity, HERE)
    assert recorded(identity)[-1] == ("code_refused", "ana")
    with identity.db() as session:
        rows = session.execute(text("SELECT payload::text FROM outbox")).scalars()
        assert "recuperacion" not in " ".join(rows)
