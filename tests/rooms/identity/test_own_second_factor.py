"""One's own second factor: set up, required, taken away, and how it is kept."""

from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text

from services.identity import reset_second_factor, seals, tickets, tries
from services.identity.jobs import renew_seals
from shared import trace
from shared.contracts.identity import (
    NewRole,
    RoleChange,
)
from shared.errors import Conflict, Denied, Invalid
from shared.permissions import Role
from shared.settings import settings
from tests.rooms.identity.telephones import (
    HERE,
    PASSWORD,
    Phone,
    acting,
    is_running,
    make,
    recorded,
    ticket_of,
    turn_on,
)

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
        assert identity.get_second_factor("-").since is None
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
        assert identity.get_second_factor("-").since is None
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
        assert identity.get_second_factor("-").since is not None


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
        assert identity.get_second_factor("-").required
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
        assert identity.get_second_factor("-").since is not None


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
