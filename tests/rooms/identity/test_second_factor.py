"""The second factor: set up, asked for, required, lost; no code is good twice."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import eventlet
import pyotp
import pytest
from redis import Redis
from sqlalchemy import text

from services.identity import reset_second_factor, seals, tickets, tries
from services.identity.jobs import renew_seals
from shared import clock, trace
from shared.contract import Actor
from shared.contracts.identity import (
    NewRole,
    NewUser,
    RoleChange,
    Ticket,
    UserChange,
)
from shared.contracts.identity import finish_log_in as contract
from shared.errors import Conflict, Denied, Invalid
from shared.permissions import Role
from shared.settings import settings

PASSWORD = "una-clave-larga"
HERE = "10.0.0.1"
THERE = "10.0.0.2"


class Phone:
    """What a user's telephone does; the tests hold the clock still and move it."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self.totp.at(clock.now(), counter_offset=steps)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`moment(seconds)` moves the clock, which stands still otherwise."""
    now = [datetime(2026, 11, 22, 15, 0, 10, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)

    return move


def make(identity: Any, username: str = "ana", role: str = Role.ADVISOR) -> Any:
    new = NewUser(username=username, full_name="Ana Mora", role=role, password=PASSWORD)
    return identity.create_user(new)


@pytest.fixture
def ana(identity: Any) -> Any:
    return make(identity)


@contextmanager
def acting(user: Any) -> Iterator[None]:
    who = Actor(user_id=user.id, username=user.username, full_name=user.full_name, role=user.role)
    with trace.use(actor=who, idempotency_key=trace.idempotency_key()):
        yield


def turn_on(identity: Any, user: Any, token: str = "-") -> tuple[Phone, list[str]]:
    """The code that proves it is of the step before, so that the present one is still good."""
    with acting(user):
        phone = Phone(identity.prepare_second_factor().secret)
        codes = identity.set_second_factor(token, PASSWORD, phone.code(-1), HERE)
    return phone, [sent(code) for code in codes.codes]


def sent(code: str) -> str:
    """As it comes to the room, however somebody types it."""
    given = contract.decode_arguments({"ticket": "-", "code": code, "source": HERE})
    return str(given["code"])


def ticket_of(identity: Any, username: str = "ana", device: str = "") -> str:
    given = identity.log_in(username, PASSWORD, HERE, device)
    assert isinstance(given, Ticket)
    return given.ticket


def is_running(identity: Any, token: str) -> bool:
    try:
        identity.get_session(token)
    except Denied:
        return False
    return True


def recorded(identity: Any) -> list[tuple[str, str]]:
    """What went into the outbox for the record, as (action, whose)."""
    with identity.db() as session:
        rows = session.execute(text("SELECT payload FROM outbox ORDER BY id")).scalars()
        return [(row["action"], row["username"]) for row in rows if "action" in row]


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
        codes = identity.renew_recovery_codes(PASSWORD, phone.code(), HERE).codes
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
    typed = codes[0].upper().replace("-", "  ")
    assert identity.finish_log_in(ticket_of(identity), sent(typed), HERE).actor.username == "ana"
    with pytest.raises(Invalid, match="recuperación"):
        identity.finish_log_in(ticket_of(identity), sent(codes[0]), HERE)
    with acting(ana):
        assert identity.get_second_factor().codes_left == 9
    assert ("recovery_code_used", "ana") in recorded(identity)


@pytest.mark.usefixtures("moment")
def test_new_recovery_codes_take_the_place_of_all_former_ones(identity: Any, ana: Any) -> None:
    phone, codes = turn_on(identity, ana)
    with acting(ana):
        new = identity.renew_recovery_codes(PASSWORD, phone.code(), HERE).codes
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


# --- one's own ---


@pytest.mark.usefixtures("moment")
def test_nothing_counts_before_a_code_confirms_it(identity: Any, ana: Any) -> None:
    with acting(ana):
        first = identity.prepare_second_factor()
        assert identity.prepare_second_factor() == first  # the page loaded anew
        assert f"secret={first.secret}" in first.uri
        with pytest.raises(Invalid) as error:
            identity.set_second_factor("-", PASSWORD, "000000", HERE)
        assert error.value.names("code")
        assert identity.get_second_factor().since is None
    assert identity.log_in("ana", PASSWORD, HERE).actor.username == "ana"


@pytest.mark.usefixtures("moment")
def test_the_password_is_asked_for_and_counted(identity: Any, ana: Any) -> None:
    with acting(ana):
        phone = Phone(identity.prepare_second_factor().secret)
        for _ in range(tries.FREE):
            with pytest.raises(Invalid) as error:
                identity.set_second_factor("-", "no es esta", phone.code(), HERE)
            assert error.value.names("password")
        with pytest.raises(Denied, match="Espere"):
            identity.set_second_factor("-", PASSWORD, phone.code(), HERE)


@pytest.mark.usefixtures("moment")
def test_what_was_prepared_too_long_ago_is_prepared_anew(
    identity: Any, ana: Any, redis: Redis
) -> None:
    with acting(ana):
        phone = Phone(identity.prepare_second_factor().secret)
        name = tickets._prepared_key(ana.id)
        assert phone.totp.secret not in str(redis.get(name))
        assert 890 < redis.ttl(name) <= 900
        redis.delete(name)
        with pytest.raises(Conflict, match="demasiado tiempo"):
            identity.set_second_factor("-", PASSWORD, phone.code(), HERE)


@pytest.mark.usefixtures("moment")
def test_turning_it_on_and_off_ends_the_other_sessions(identity: Any, ana: Any) -> None:
    here, there = (identity.log_in("ana", PASSWORD, HERE).token for _ in range(2))
    phone, _ = turn_on(identity, ana, here)
    assert (is_running(identity, here), is_running(identity, there)) == (True, False)
    later = identity.finish_log_in(ticket_of(identity), phone.code(), HERE).token
    with acting(ana):
        identity.remove_second_factor(here, PASSWORD, phone.code(1), HERE)
        assert identity.get_second_factor().since is None
    assert (is_running(identity, here), is_running(identity, later)) == (True, False)
    assert identity.log_in("ana", PASSWORD, HERE).actor.username == "ana"
    done = [action for action, whose in recorded(identity) if whose == "ana"]
    assert [one for one in done if "factor" in one] == [
        "second_factor_set",
        "second_factor_removed",
    ]


@pytest.mark.usefixtures("moment")
def test_turning_it_off_needs_password_and_code(identity: Any, ana: Any) -> None:
    phone, _ = turn_on(identity, ana)
    with acting(ana):
        for password, code, field in (
            ("no es esta", phone.code(), "password"),
            (PASSWORD, "000000", "code"),
        ):
            with pytest.raises(Invalid) as error:
                identity.remove_second_factor("-", password, code, HERE)
            assert error.value.names(field)
        assert identity.get_second_factor().since is not None


@pytest.mark.usefixtures("moment")
def test_another_telephone_needs_a_code_of_the_present_one(identity: Any, ana: Any) -> None:
    phone, codes = turn_on(identity, ana)
    with acting(ana):
        new = Phone(identity.prepare_second_factor().secret)
        assert new.totp.secret != phone.totp.secret
        for present in (None, "000000"):
            with pytest.raises(Invalid) as error:
                identity.set_second_factor("-", PASSWORD, new.code(-1), HERE, present)
            assert error.value.names("present")
        identity.set_second_factor("-", PASSWORD, new.code(-1), HERE, phone.code())
    with pytest.raises(Invalid):
        identity.finish_log_in(ticket_of(identity), phone.code(1), HERE)
    with pytest.raises(Invalid):
        identity.finish_log_in(ticket_of(identity), codes[0], HERE)
    assert identity.finish_log_in(ticket_of(identity), new.code(), HERE).token


# --- required by a role ---


@pytest.fixture
def guard(identity: Any) -> Any:
    """A role that requires it, and a user of it."""
    new = NewRole(
        code="guard", name="Guardia", permissions=["mail.read"], requires_second_factor=True
    )
    identity.create_role(new)
    return make(identity, "gil", "guard")


@pytest.mark.usefixtures("moment")
def test_who_has_none_and_needs_one_may_do_nothing_until_it_is_set(
    identity: Any, guard: Any
) -> None:
    opened = identity.log_in("gil", PASSWORD, HERE)
    for session in (opened, identity.get_session(opened.token)):
        assert session.restricted
        assert (session.permissions, session.actor.permissions) == (frozenset(), frozenset())
    with acting(guard):
        assert identity.get_second_factor().required
    turn_on(identity, guard, opened.token)
    now = identity.get_session(opened.token)
    assert not now.restricted
    assert now.actor.permissions == {"mail.read"}


@pytest.mark.usefixtures("moment")
def test_a_requirement_acts_on_running_sessions_at_once(identity: Any, ana: Any) -> None:
    make(identity, "eva", Role.ADMIN)
    token = identity.log_in("ana", PASSWORD, HERE).token
    assert identity.get_session(token).actor.permissions
    required = RoleChange.to(requires_second_factor=True)
    assert identity.update_role(Role.ADVISOR, required).requires_second_factor
    assert identity.get_session(token).restricted
    identity.update_role(Role.ADVISOR, RoleChange.to(requires_second_factor=False))
    assert not identity.get_session(token).restricted


@pytest.mark.usefixtures("moment")
def test_what_the_role_requires_is_not_turned_off(identity: Any, guard: Any) -> None:
    phone, _ = turn_on(identity, guard)
    with acting(guard):
        with pytest.raises(Conflict, match="exige"):
            identity.remove_second_factor("-", PASSWORD, phone.code(), HERE)
        assert identity.get_second_factor().since is not None


@pytest.mark.usefixtures("moment")
def test_nobody_requires_of_the_own_role_what_was_not_tried(identity: Any) -> None:
    boss = make(identity, "eva", Role.ADMIN)
    required = RoleChange.to(requires_second_factor=True)
    with acting(boss):
        with pytest.raises(Conflict, match="su propio rol"):
            identity.update_role(Role.ADMIN, required)
        identity.update_role(Role.ADVISOR, required)  # of others at any time
    turn_on(identity, boss)
    with acting(boss):
        assert identity.update_role(Role.ADMIN, required).requires_second_factor
    change = [row for row in recorded(identity) if row == ("changed", "eva")]
    assert len(change) == 2


# --- lost ---


@pytest.mark.usefixtures("moment")
def test_an_administrator_takes_it_from_who_lost_the_telephone(identity: Any, ana: Any) -> None:
    boss = make(identity, "eva", Role.ADMIN)
    phone, _ = turn_on(identity, ana)
    token = identity.finish_log_in(ticket_of(identity), phone.code(), HERE).token
    pending = ticket_of(identity)
    assert identity.get_user(ana.id).second_factor
    with acting(boss):
        identity.reset_second_factor(ana.id)
        with pytest.raises(Conflict):
            identity.reset_second_factor(ana.id)
    assert not identity.get_user(ana.id).second_factor
    assert not is_running(identity, token)
    with pytest.raises(Denied, match="Ingrese de nuevo"):
        identity.finish_log_in(pending, phone.code(1), HERE)
    assert identity.log_in("ana", PASSWORD, HERE).actor.username == "ana"
    assert ("second_factor_reset", "eva") in recorded(identity)


@pytest.mark.usefixtures("moment")
def test_nobody_resets_the_own_one(identity: Any) -> None:
    boss = make(identity, "eva", Role.ADMIN)
    turn_on(identity, boss)
    with acting(boss), pytest.raises(Conflict, match="Mi cuenta"):
        identity.reset_second_factor(boss.id)


@pytest.mark.usefixtures("moment")
def test_who_runs_the_machine_resets_that_of_the_last_administrator(
    identity: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = make(identity, "eva", Role.ADMIN)
    phone, _ = turn_on(identity, boss)
    token = identity.finish_log_in(ticket_of(identity, "eva"), phone.code(), HERE).token
    monkeypatch.setattr("sys.argv", ["reset", "eva"])
    with trace.use():  # nobody's doing but the machine's
        reset_second_factor.main()
    assert "eva" in capsys.readouterr().out
    assert not is_running(identity, token)
    assert identity.log_in("eva", PASSWORD, HERE).actor.username == "eva"
    assert ("second_factor_reset", "") in recorded(identity)
    with pytest.raises(SystemExit, match="no second factor"):
        reset_second_factor.main()


# --- kept ---


@pytest.mark.usefixtures("moment")
def test_neither_secret_nor_recovery_codes_stand_in_the_database(identity: Any, ana: Any) -> None:
    """Nor where replies are kept for a command that comes twice."""
    with trace.use(idempotency_key="one"):
        phone, codes = turn_on(identity, ana)
    with identity.db() as session:
        tables = session.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).scalars()
        everything = "".join(
            str(session.execute(text(f'SELECT * FROM "{name}"')).all())  # the tables' own names
            for name in tables
        )
    assert "ana" in everything
    for secret in (phone.totp.secret, *codes):
        assert secret not in everything


@pytest.mark.usefixtures("moment")
def test_a_seal_is_of_one_user_and_of_the_keys_that_are_known(
    identity: Any, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = seals.seal(7, "JBSWY3DPEHPK3PXP")
    assert seals.unseal(7, sealed) == "JBSWY3DPEHPK3PXP"
    assert seals.unseal(8, sealed) is None
    former = settings().secret_key
    phone, _ = turn_on(identity, ana)
    monkeypatch.setattr(settings(), "secret_key", "another" * 8)
    monkeypatch.setattr(settings(), "former_keys", former)
    assert identity.finish_log_in(ticket_of(identity), phone.code(), HERE).token
    renew_seals()
    monkeypatch.setattr(settings(), "former_keys", "")
    assert seals.unseal(7, sealed) is None
    assert identity.finish_log_in(ticket_of(identity), phone.code(1), HERE).token


@pytest.mark.usefixtures("moment")
def test_when_its_key_is_gone_a_recovery_code_is_still_good(
    identity: Any, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, codes = turn_on(identity, ana)
    monkeypatch.setattr(settings(), "secret_key", "another" * 8)
    with pytest.raises(Invalid):
        identity.finish_log_in(ticket_of(identity), phone.code(), HERE)
    assert identity.finish_log_in(ticket_of(identity), codes[0], HERE).token
