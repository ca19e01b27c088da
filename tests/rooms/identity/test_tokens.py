"""API tokens: what they open, for whom, from where, for how long and how often."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import event, select, text, update

from services.identity import audit
from services.identity.models import ApiToken
from shared import clock, trace
from shared.clock import GUAYAQUIL
from shared.contracts.audit import Audited
from shared.contracts.identity import (
    Admission,
    NewToken,
    NewUser,
    RoleChange,
    TokenState,
    UserChange,
)
from shared.errors import Denied, Invalid, NotFound
from shared.permissions import Role
from shared.redis import key
from shared.tables import Outbox
from tests.make.actors import make_actor

HERE, THERE = "10.0.0.1", "192.0.2.7"
PASSWORD = "una-clave-larga"
READ, WRITE = "campaign.read", "campaign.write"
DAY = timedelta(days=1)


@pytest.fixture
def user(identity: Any) -> Any:
    """In whose name systems ask, beside an administrator."""
    ada = {"username": "ada", "full_name": "Ada Paz", "role": Role.ADMIN}
    identity.create_user(NewUser(**ada, password=PASSWORD))
    new = {"username": "eva", "full_name": "Eva Ruiz", "role": Role.MARKETING_HEAD}
    return identity.create_user(NewUser(**new, password=PASSWORD))


def make(identity: Any, **changes: Any) -> Any:
    usual: dict[str, Any] = {"name": "Facturación", "username": "eva", "scopes": [READ, WRITE]}
    usual["expires_on"] = clock.today() + 30 * DAY
    return identity.create_api_token(NewToken(**usual | changes))


def admit(identity: Any, issued: Any, source: str = HERE) -> Admission:
    found: Admission = identity.check_api_token(issued.value, source)
    return found


def refused(identity: Any, value: str, source: str = HERE) -> Denied:
    with pytest.raises(Denied) as caught:
        identity.check_api_token(value, source)
    return caught.value


def recorded(identity: Any, action: str) -> list[dict[str, Any]]:
    """What was put on record, in the order of its writing."""
    with identity.db() as session:
        rows = session.scalars(select(Outbox.payload).order_by(Outbox.id))
        return [row for row in rows if row.get("action") == action]


# --- whom it acts for ---


def test_a_system_asks_in_its_users_name_with_its_scopes(identity: Any, user: Any) -> None:
    found = admit(identity, make(identity))
    assert (found.actor.username, found.actor.user_id) == ("eva", user.id)
    assert found.actor.system == "Facturación"
    assert found.actor.permissions == {READ, WRITE}
    assert found.role_name == "Jefe de marketing"


def test_it_may_what_the_users_role_may_at_that_moment(identity: Any, user: Any) -> None:
    issued = make(identity)
    left = set(identity.get_role(Role.MARKETING_HEAD).permissions) - {WRITE}
    identity.update_role(Role.MARKETING_HEAD, RoleChange.to(permissions=sorted(left)))
    assert admit(identity, issued).actor.permissions == {READ}


def test_a_user_who_is_gone_takes_the_token_along(identity: Any, user: Any) -> None:
    issued = make(identity)
    identity.update_user(user.id, UserChange.to(active=False))
    refused(identity, issued.value)
    assert identity.get_api_token(issued.id).state is TokenState.STOPPED
    identity.update_user(user.id, UserChange.to(active=True))
    assert admit(identity, issued)
    yesterday = clock.today() - DAY
    identity.update_user(user.id, UserChange.to(starts_on=yesterday, ends_on=yesterday))
    refused(identity, issued.value)


def test_a_revoked_one_opens_nothing_from_then_on(identity: Any, user: Any) -> None:
    issued = make(identity)
    assert admit(identity, issued)
    with trace.use(actor=make_actor("ada", Role.ADMIN, full_name="Ada Paz")):
        told = identity.revoke_api_token(issued.id)
    assert (told.state, told.revoked_by) == (TokenState.REVOKED, "Ada Paz")
    refused(identity, issued.value)
    assert identity.revoke_api_token(issued.id) == told  # and stays as it is
    with pytest.raises(NotFound):
        identity.revoke_api_token("0123456789")


def test_it_is_over_after_its_last_day_in_ecuador(
    identity: Any, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = make(identity, expires_on=clock.today())
    end = datetime.combine(clock.today() + DAY, datetime.min.time(), GUAYAQUIL)
    assert admit(identity, issued).expires_at == end
    tomorrow = clock.today() + DAY
    monkeypatch.setattr(clock, "today", lambda: tomorrow)
    refused(identity, issued.value)
    assert identity.get_api_token(issued.id).state is TokenState.EXPIRED


# --- what is never given ---


@pytest.mark.parametrize("code", ["user.write", "token.write"])
def test_what_is_for_persons_is_no_scope(identity: Any, user: Any, code: str) -> None:
    with pytest.raises(Invalid, match="Un sistema no puede administrar") as caught:
        make(identity, username="ada", scopes=[code])
    assert caught.value.names("scopes")
    issued = make(identity, username="ada", scopes=["audit.read"])
    with identity.db.begin() as session:  # as if it had been given before that was a rule
        session.execute(update(ApiToken).values(scopes=["audit.read", code]))
    assert admit(identity, issued).actor.permissions == {"audit.read"}


def test_nothing_beyond_the_users_role_is_given(identity: Any, user: Any) -> None:
    with pytest.raises(Invalid, match=r"El rol de Eva Ruiz no tiene: audit\.read") as caught:
        make(identity, scopes=[READ, "audit.read"])
    assert caught.value.names("scopes")


@pytest.mark.parametrize("days", [-1, 367])
def test_its_last_day_is_within_a_year(identity: Any, user: Any, days: int) -> None:
    with pytest.raises(Invalid, match="Elija un día entre hoy y el") as caught:
        make(identity, expires_on=clock.today() + days * DAY)
    assert caught.value.names("expires_on")
    assert make(identity, expires_on=clock.today() + 366 * DAY)


def test_nobody_makes_one_for_who_is_not_there(identity: Any, user: Any) -> None:
    identity.update_user(user.id, UserChange.to(active=False))
    for username in ("eva", "nadie"):
        with pytest.raises(Invalid) as caught:
            make(identity, username=username)
        assert caught.value.names("username")


def test_two_that_are_not_revoked_have_two_names(identity: Any, user: Any) -> None:
    first = make(identity)
    with pytest.raises(Invalid, match="Ya hay un acceso con ese nombre") as caught:
        make(identity)
    assert caught.value.names("name")
    identity.revoke_api_token(first.id)
    assert make(identity).id != first.id


# --- from where ---


@pytest.mark.parametrize(
    ("networks", "source", "taken"),
    [
        ([], THERE, True),
        ([], "", True),
        ([HERE], HERE, True),
        ([HERE], THERE, False),
        (["10.0.0.0/24", "192.0.2.0/30"], "192.0.2.3", True),
        (["10.0.0.0/24", "192.0.2.0/30"], "192.0.2.4", False),
        ([HERE], f"::ffff:{HERE}", True),
        (["2001:db8::/32"], "2001:db8::7", True),
        (["2001:db8::/32"], "2001:db9::7", False),
        (["2001:db8::/32"], HERE, False),
        ([HERE], "", False),
        ([HERE], "testclient", False),
    ],
)
def test_it_is_taken_from_its_networks_alone(
    identity: Any, user: Any, networks: list[str], source: str, taken: bool
) -> None:
    issued = make(identity, networks=networks)
    if taken:
        assert admit(identity, issued, source)
    else:
        refused(identity, issued.value, source)


# --- its secret ---


def test_the_secret_is_kept_nowhere(identity: Any, user: Any) -> None:
    with trace.use(actor=make_actor(), idempotency_key="once"):
        issued = make(identity)
    prefix, token_id, secret = issued.value.split("_")
    assert (prefix, token_id, len(secret)) == ("pgn", issued.id, 43)
    with identity.db() as session:
        for table in ("api_token", "command", "outbox"):
            rows = session.execute(text(f"SELECT {table}::text FROM {table}")).all()
            assert rows
            assert secret not in str(rows)


def test_a_second_sending_is_answered_without_it(identity: Any, user: Any) -> None:
    with trace.use(actor=make_actor(), idempotency_key="once"):
        first, second = make(identity), make(identity)
    assert first.value
    assert second == first.model_copy(update={"value": None})
    assert len(identity.list_api_tokens().items) == 1


def test_what_is_almost_right_is_answered_as_what_never_was(identity: Any, user: Any) -> None:
    issued = make(identity, networks=[HERE])
    secret = issued.value.rpartition("_")[2]
    other = "A" if secret[-1] != "A" else "B"
    over = make(identity, name="Otro")
    identity.revoke_api_token(over.id)
    told = {
        (error.message, error.fields)
        for error in (
            refused(identity, "pgn_"),
            refused(identity, "x" * 99),
            refused(identity, f"pgn_0123456789_{secret}"),
            refused(identity, f"pgn_{issued.id}_{secret[:-1]}{other}"),
            refused(identity, f"pgn_{issued.id}_{secret.swapcase()}"),
            refused(identity, f"pgn_{over.id}_{secret}"),
            refused(identity, f"{issued.value} "),
            refused(identity, over.value),
            refused(identity, issued.value, THERE),
        )
    }
    assert len(told) == 1
    assert admit(identity, issued)


def test_a_token_is_no_session(identity: Any, user: Any) -> None:
    issued = make(identity)
    with pytest.raises(Denied):
        identity.get_session(issued.value)
    refused(identity, identity.log_in("eva", PASSWORD, HERE).token)


# --- how often ---


def test_it_asks_as_often_as_it_may_and_others_go_on(identity: Any, user: Any) -> None:
    small = make(identity, requests_a_minute=3)
    other = make(identity, name="Otro")
    assert [admit(identity, small).remaining for _ in range(3)] == [2, 1, 0]
    error = refused(identity, small.value)
    assert "3 solicitudes por minuto" in error.message
    [wait] = [int(field.message) for field in error.fields if field.field == "retry_after"]
    assert 18 <= wait <= 20  # one comes back in a third of a minute
    assert admit(identity, other).remaining == 599


def test_many_at_once_are_no_more_than_one_after_the_other(identity: Any, user: Any) -> None:
    small = make(identity, requests_a_minute=5)

    def ask(_: int) -> bool:
        try:
            return bool(admit(identity, small))
        except Denied:
            return False

    with ThreadPoolExecutor(10) as threads:
        assert sum(threads.map(ask, range(30))) == 5


def test_wrong_ones_are_slowed_down_and_a_good_one_from_there_is_not(
    identity: Any, user: Any
) -> None:
    good = make(identity)
    told = [refused(identity, f"pgn_{number:010}_{'x' * 43}") for number in range(52)]
    assert not any(error.fields for error in told[:50])
    assert told[-1].fields[0].field == "retry_after"
    assert admit(identity, good)
    assert not refused(identity, "pgn_", THERE).fields


# --- what is known of its use ---


def test_its_use_is_written_down_once_a_minute(identity: Any, user: Any, redis: Redis) -> None:
    issued = make(identity)
    assert identity.get_api_token(issued.id).last_used_at is None
    admit(identity, issued)
    first = identity.get_api_token(issued.id)
    assert first.last_source == HERE
    admit(identity, issued, THERE)
    assert identity.get_api_token(issued.id) == first
    redis.hset(key(f"identity:token:{issued.id}"), "noted", 0)  # a minute later
    admit(identity, issued, THERE)
    later = identity.get_api_token(issued.id)
    assert (later.last_source, later.last_used_at > first.last_used_at) == (THERE, True)


@contextmanager
def statements(identity: Any) -> Iterator[list[str]]:
    """What the block sends to the database."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = identity.db.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_it_costs_no_more_statements_than_a_session(identity: Any, user: Any) -> None:
    issued, session = make(identity), identity.log_in("eva", PASSWORD, HERE)
    admit(identity, issued)
    with statements(identity) as of_session:
        identity.get_session(session.token)
    with statements(identity) as of_token:
        admit(identity, issued)
    assert len(of_token) <= len(of_session)
    assert len(of_token) == 1


# --- on record ---


def test_making_and_revoking_are_on_record(identity: Any, user: Any) -> None:
    issued = make(identity, networks=[HERE])
    identity.revoke_api_token(issued.id)
    identity.revoke_api_token(issued.id)
    [made] = [row for row in recorded(identity, "created") if row["object_kind"] == "api_token"]
    assert (made["object_id"], made["username"]) == ("Facturación", "jefe")
    assert made["changes"]["scopes"] == [None, str([READ, WRITE])]
    assert len(recorded(identity, "revoked")) == 1


@pytest.mark.parametrize(
    ("purpose", "spoil"),
    [
        ("Revocación", lambda room, issued: room.revoke_api_token(issued.id)),
        ("Dirección no permitida", lambda room, issued: None),
    ],
)
def test_a_flood_of_refused_ones_is_one_line(
    identity: Any, user: Any, purpose: str, spoil: Callable[[Any, Any], Any]
) -> None:
    issued = make(identity, networks=[HERE])
    spoil(identity, issued)
    for _ in range(10):
        refused(identity, issued.value, THERE)
    refused(identity, f"pgn_{issued.id}_{'x' * 43}", THERE)  # a stranger's is nobody's
    [line] = recorded(identity, "use_refused")
    assert (line["purpose"], line["source"]) == (purpose, THERE)
    assert (line["username"], line["system"]) == ("eva", "Facturación")


def test_the_record_tells_the_systems_name(identity: Any, user: Any) -> None:
    issued = make(identity, networks=[HERE])
    refused(identity, issued.value, THERE)
    [line] = recorded(identity, "use_refused")
    with identity.db.begin() as session:
        audit.append(session, Audited.model_validate(line))
    with trace.use(actor=make_actor("ada", Role.ADMIN)):
        [shown] = identity.list_audit().items
    assert shown.sentence == (
        "El sistema «Facturación» (como Eva Ruiz, jefe de marketing) intentó usar sin éxito "
        "el acceso de sistema Facturación por dirección no permitida"
    )


# --- lists ---


def test_all_are_listed_and_the_own_that_run(identity: Any, user: Any) -> None:
    first, second = make(identity), make(identity, name="Otro", expires_on=clock.today())
    identity.revoke_api_token(first.id)
    shown = identity.list_api_tokens().items
    assert [(token.id, token.state) for token in shown] == [
        (second.id, TokenState.RUNNING),
        (first.id, TokenState.REVOKED),
    ]
    assert "value" not in shown[0].model_dump()
    with trace.use(actor=make_actor("eva", user_id=user.id)):
        assert [token.id for token in identity.list_own_api_tokens()] == [second.id]
    with trace.use(actor=make_actor("ida", user_id=user.id + 1)):
        assert identity.list_own_api_tokens() == []
