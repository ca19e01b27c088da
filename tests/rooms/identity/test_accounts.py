"""What users do with their own account: password, sessions; and how long a session lasts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from services.identity import sessions as kept
from services.identity import tries
from shared import clock, trace
from shared.contract import Actor
from shared.contracts.identity import NewUser, UserChange
from shared.errors import Denied, Invalid, NotFound
from shared.permissions import Role
from shared.redis import key

PASSWORD = "una-clave-larga"
OTHER = "correo lluvia mesa"
HERE = "10.0.0.1"


@pytest.fixture
def ana(identity: Any) -> Any:
    new = NewUser(username="ana", full_name="Ana Mora", role=Role.ADVISOR, password=PASSWORD)
    return identity.create_user(new)


@contextmanager
def acting(user: Any) -> Iterator[None]:
    who = Actor(
        user_id=user.id, username=user.username, full_name=user.full_name, role=Role.ADVISOR
    )
    with trace.use(actor=who):
        yield


def is_running(identity: Any, token: str) -> bool:
    try:
        identity.get_session(token)
    except Denied:
        return False
    return True


# --- passwords ---


@pytest.mark.parametrize(
    "password",
    [
        "contraseña",
        "qwertyuiop",
        "1234567890",
        "aaaaaaaaaaaaaaa",
        "ana mora ana mora",
        "pregonpregon",
    ],
)
def test_a_password_that_is_guessed_with_ease_is_refused(
    identity: Any, ana: Any, password: str
) -> None:
    new = NewUser(username="eva", full_name="Ana Mora", role=Role.ADVISOR, password=password)
    with pytest.raises(Invalid) as error:
        identity.create_user(new)
    assert error.value.names("password")
    with pytest.raises(Invalid, match="se adivina"):
        identity.update_user(ana.id, UserChange.to(password=password))
    with acting(ana), pytest.raises(Invalid, match="se adivina"):
        identity.change_password("-", PASSWORD, password, HERE)
    assert identity.log_in("ana", PASSWORD, HERE).actor.username == "ana"


def test_the_users_own_names_are_what_is_tried_first(identity: Any) -> None:
    """The same words are good enough for anybody else."""
    new = NewUser(
        username="guada",
        full_name="Guadalupe Chancusig Quilumba",
        role=Role.ADVISOR,
        password="quilumba-chancusig",
    )
    with pytest.raises(Invalid, match="se adivina"):
        identity.create_user(new)
    assert identity.create_user(new.model_copy(update={"full_name": "Luis Paz"})).active


def test_a_long_password_is_looked_at_in_time(identity: Any, ana: Any) -> None:
    began = time.process_time()
    with pytest.raises(Invalid):
        identity.update_user(ana.id, UserChange.to(password="ab" * 100))
    assert time.process_time() - began < 1


def test_another_password_ends_the_other_sessions_and_not_this_one(identity: Any, ana: Any) -> None:
    here, there = (identity.log_in("ana", PASSWORD, HERE).token for _ in range(2))
    with acting(ana):
        identity.change_password(here, PASSWORD, OTHER, HERE)
    assert is_running(identity, here)
    assert not is_running(identity, there)
    with pytest.raises(Denied):
        identity.log_in("ana", PASSWORD, HERE)
    assert identity.log_in("ana", OTHER, HERE).actor.user_id == ana.id


def test_the_present_password_is_asked_for_and_cannot_be_tried_out(identity: Any, ana: Any) -> None:
    token = identity.log_in("ana", PASSWORD, HERE).token
    with acting(ana):
        for _ in range(tries.FREE):
            with pytest.raises(Invalid) as error:
                identity.change_password(token, "no es esta", OTHER, HERE)
            assert error.value.names("current")
        with pytest.raises(Denied, match="Espere"):
            identity.change_password(token, PASSWORD, OTHER, HERE)
    assert identity.get_session(token).actor.user_id == ana.id


# --- sessions ---


def test_sessions_are_listed_with_place_and_time_and_without_tokens(
    identity: Any, ana: Any
) -> None:
    before = clock.now()
    first = identity.log_in("ana", PASSWORD, HERE, agent="Firefox").token
    second = identity.log_in("ana", PASSWORD, "10.0.0.2").token
    with acting(ana):
        newest, oldest = identity.list_sessions(first)
    assert (oldest.source, oldest.agent, oldest.current) == (HERE, "Firefox", True)
    assert (newest.source, newest.agent, newest.current) == ("10.0.0.2", "", False)
    assert before <= oldest.started_at <= newest.started_at
    told = newest.model_dump_json() + oldest.model_dump_json()
    assert first not in told
    assert second not in told


def test_one_session_is_ended_by_its_name_and_only_by_its_user(identity: Any, ana: Any) -> None:
    here, there = (identity.log_in("ana", PASSWORD, HERE).token for _ in range(2))
    new = NewUser(username="eva", full_name="Eva Paz", role=Role.ADVISOR, password=PASSWORD)
    eva = identity.create_user(new)
    name = kept.name_of(there)
    with acting(eva), pytest.raises(NotFound):
        identity.end_session(name)
    assert is_running(identity, there)
    with acting(ana):
        identity.end_session(name)
        with pytest.raises(NotFound):
            identity.end_session(name)
        assert [session.current for session in identity.list_sessions(here)] == [True]
    assert (is_running(identity, here), is_running(identity, there)) == (True, False)


def test_all_others_are_ended_at_once(identity: Any, ana: Any) -> None:
    here, *others = (identity.log_in("ana", PASSWORD, HERE).token for _ in range(3))
    with acting(ana):
        identity.end_other_sessions(here)
    assert [is_running(identity, token) for token in (here, *others)] == [True, False, False]


def test_a_session_that_is_used_lasts_longer_but_not_for_ever(
    identity: Any, ana: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, token = clock.now(), identity.log_in("ana", PASSWORD, HERE).token
    [name] = redis.scan_iter(key("session:*"))

    def used_after(hours: float) -> int:
        """The seconds it has left when it is used so late, an hour before it would have ended."""
        redis.expire(name, 3600)
        monkeypatch.setattr(clock, "now", lambda: began + timedelta(hours=hours))
        identity.get_session(token)
        return int(redis.ttl(name))

    assert used_after(11) == pytest.approx(12 * 3600, abs=60)
    assert used_after(20) == pytest.approx(4 * 3600, abs=60)
    assert used_after(23.5) <= 3600
    assert ana.id == identity.get_session(token).actor.user_id


def test_a_session_of_an_earlier_version_goes_on(identity: Any, ana: Any, redis: Redis) -> None:
    token = identity.log_in("ana", PASSWORD, HERE).token
    [name] = redis.scan_iter(key("session:*"))
    redis.set(name, ana.id, ex=600)
    assert identity.get_session(token).actor.user_id == ana.id
    with acting(ana):
        [found] = identity.list_sessions(token)
    assert (found.started_at, found.current) == (None, True)


def test_the_list_of_sessions_forgets_those_that_ended(
    identity: Any, ana: Any, redis: Redis
) -> None:
    for _ in range(3):
        identity.log_out(identity.log_in("ana", PASSWORD, HERE).token)
    identity.log_in("ana", PASSWORD, HERE)
    assert redis.scard(key(f"sessions:{ana.id}")) == 1
