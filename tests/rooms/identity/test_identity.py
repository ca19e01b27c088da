"""identity's doors: log-in, sessions, users."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from services.identity import passwords, tries
from shared import clock, throttle, trace
from shared.contracts.identity import NewUser, UserChange, UserPermission
from shared.contracts.telemarketing import CallPermission
from shared.errors import Conflict, Denied, Invalid, Unavailable
from shared.permissions import Role
from shared.redis import key
from shared.settings import settings

PASSWORD = "una-clave-larga"


def make(identity: Any, username: str = "ana", role: Role = Role.ADVISOR, **changes: Any) -> Any:
    usual = {"username": username, "full_name": "Ana Mora", "role": role, "password": PASSWORD}
    return identity.create_user(NewUser(**usual | changes))


def test_log_in_opens_a_session_with_the_roles_permissions(identity: Any) -> None:
    make(identity)
    session = identity.log_in(" ANA ", PASSWORD, "10.0.0.1")
    found = identity.get_session(session.token)
    assert found.actor.username == "ana"
    assert CallPermission.WORK in found.permissions
    assert UserPermission.WRITE not in found.permissions


def test_wrong_password_and_unknown_user_get_the_same_answer(identity: Any) -> None:
    make(identity)
    with pytest.raises(Denied) as wrong:
        identity.log_in("ana", "otra-clave-larga", "10.0.0.1")
    with pytest.raises(Denied) as unknown:
        identity.log_in("nadie", PASSWORD, "10.0.0.1")
    assert str(wrong.value) == str(unknown.value)


def fail(identity: Any, username: str, source: str, device: str = "") -> None:
    with pytest.raises(Denied, match="no son correctos"):
        identity.log_in(username, "otra-clave-larga", source, device)


def seconds_to_wait(identity: Any, username: str, source: str, device: str = "") -> int:
    """What somebody is told who tries once more, even with the right password."""
    with pytest.raises(Denied, match=r"Demasiados intentos fallidos\. Espere ") as error:
        identity.log_in(username, PASSWORD, source, device)
    (field,) = error.value.fields
    assert field.field == "retry_after"
    return int(field.message)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays a hundred times as long: what the test itself takes does not count."""
    for name in ("FIRST", "LONGEST", "FIRST_OF_SOURCE", "LONGEST_OF_SOURCE"):
        seconds = getattr(tries, f"{name}_SECONDS")
        monkeypatch.setattr(tries, f"{name}_SECONDS", seconds * 100)


def let_time_pass(redis: Redis) -> None:
    """As if every delay were over."""
    for name in redis.scan_iter(key("identity:slow:*")):
        redis.hdel(name, "until")


@pytest.mark.usefixtures("slowly")
def test_from_the_fifth_wrong_password_on_one_waits_twice_as_long_each_time(
    identity: Any, redis: Redis
) -> None:
    make(identity)
    for _ in range(4):
        fail(identity, "ana", "10.0.0.1")
    waits = []
    for _ in range(9):
        fail(identity, "ana", "10.0.0.1")
        waits.append(round(seconds_to_wait(identity, "ana", "10.0.0.1") / 100))
        let_time_pass(redis)
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert identity.log_in("ana", PASSWORD, "10.0.0.1").actor.username == "ana"


@pytest.mark.usefixtures("slowly")
def test_how_long_to_wait_is_said_in_words(identity: Any) -> None:
    make(identity)
    for _ in range(5):
        fail(identity, "ana", "10.0.0.1")
    with pytest.raises(Denied, match=r"Espere \d+ minutos y vuelva a intentar\."):
        identity.log_in("ana", PASSWORD, "10.0.0.1")


@pytest.mark.usefixtures("slowly")
def test_what_a_stranger_guesses_elsewhere_keeps_nobody_waiting(identity: Any) -> None:
    make(identity)
    for _ in range(5):
        fail(identity, "ana", "10.0.0.1")
    assert seconds_to_wait(identity, "ana", "10.0.0.1") > 0
    assert identity.log_in("ana", PASSWORD, "10.0.0.2").actor.username == "ana"


@pytest.mark.usefixtures("slowly")
def test_a_known_device_passes_behind_the_strangers_own_address(identity: Any) -> None:
    make(identity)
    device = identity.log_in("ana", PASSWORD, "10.0.0.1").device
    for number in range(tries.FREE_OF_SOURCE):
        throttle.take(identity.redis, tries._buckets(f"n{number}", "10.0.0.1", ""))
    for _ in range(5):
        throttle.take(identity.redis, tries._buckets("ana", "10.0.0.1", "")[:1])
    assert seconds_to_wait(identity, "ana", "10.0.0.1") > 0
    again = identity.log_in("ana", PASSWORD, "10.0.0.1", device)
    assert tries.find_device(again.device, "ana") == tries.find_device(device, "ana")


@pytest.mark.usefixtures("slowly")
def test_a_device_is_of_one_user_signed_and_itself_slowed_down(identity: Any) -> None:
    make(identity)
    make(identity, "berta")
    device = identity.log_in("ana", PASSWORD, "10.0.0.1").device
    assert tries.find_device(device, "ana")
    assert tries.find_device(device, "berta") is None
    assert tries.find_device(device.replace(device[5], "~", 1), "ana") is None
    assert tries.find_device("", "ana") is None
    assert "ana" not in device
    for number in range(5):
        fail(identity, "ana", f"10.0.1.{number}", device)
    assert seconds_to_wait(identity, "ana", "10.0.1.77", device) > 900


@pytest.mark.usefixtures("slowly")
def test_an_address_is_slowed_down_after_fifty_failures_whoever_they_were_for(
    identity: Any, redis: Redis
) -> None:
    make(identity)
    for number in range(50):
        assert not throttle.take(redis, tries._buckets(f"nadie{number}", "10.0.0.9", ""))
    assert 50 < seconds_to_wait(identity, "ana", "10.0.0.9") <= 100
    assert identity.log_in("ana", PASSWORD, "10.0.0.1").actor.username == "ana"
    for number in range(9):
        let_time_pass(redis)
        assert not throttle.take(redis, tries._buckets(f"nadie{number}", "10.0.0.9", ""))
    assert 5900 < seconds_to_wait(identity, "ana", "10.0.0.9") <= 6000


@pytest.mark.usefixtures("slowly")
def test_a_good_log_in_leaves_the_count_of_its_address(identity: Any, redis: Redis) -> None:
    make(identity)
    for number in range(49):
        throttle.take(redis, tries._buckets(f"nadie{number}", "10.0.0.9", ""))
    for _ in range(3):
        identity.log_in("ana", PASSWORD, "10.0.0.9")
    fail(identity, "nadie", "10.0.0.9")
    assert 50 < seconds_to_wait(identity, "ana", "10.0.0.9") <= 100


def test_neighbours_of_one_household_are_one_address() -> None:
    assert throttle.source("2001:db8::1") == throttle.source("2001:db8::ffff") != "2001:db8::1"
    assert throttle.source("2001:db8:0:1::1") != throttle.source("2001:db8::1")
    assert throttle.source("::ffff:10.0.0.1") == throttle.source("10.0.0.1") == "10.0.0.1"
    assert throttle.source("testclient") == "testclient"


def test_counts_are_forgotten_an_hour_after_the_last_failure(
    identity: Any, redis: Redis, until: Any
) -> None:
    make(identity)
    for _ in range(5):
        fail(identity, "ana", "10.0.0.1")
    counts = list(redis.scan_iter(key("identity:slow:*")))
    assert len(counts) == 2
    assert all(59 * 60 < redis.ttl(name) <= 60 * 60 for name in counts)
    assert not any(b"ana" in name or b"10.0" in name for name in counts)
    for name in counts:
        redis.pexpire(name, 50)
    until(lambda: not redis.exists(*counts))
    assert identity.log_in("ana", PASSWORD, "10.0.0.1").actor.username == "ana"


def test_of_a_hundred_tries_at_once_five_are_judged(redis: Redis) -> None:
    buckets = tries._buckets("ana", "10.0.0.1", "")
    with ThreadPoolExecutor(20) as threads:
        waits = list(threads.map(lambda _: throttle.take(redis, buckets), range(100)))
    assert sum(not wait for wait in waits) == 5


def test_a_try_that_nobody_looked_at_does_not_count(identity: Any, monkeypatch: Any) -> None:
    make(identity)

    def busy(*_: Any) -> bool:
        raise Unavailable("Muchas personas están ingresando a la vez.")

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "matches", busy)
        for _ in range(9):
            with pytest.raises(Unavailable):
                identity.log_in("ana", PASSWORD, "10.0.0.1")
    assert identity.log_in("ana", PASSWORD, "10.0.0.1").actor.username == "ana"


@pytest.mark.usefixtures("slowly")
def test_the_throttle_is_of_the_name_as_it_is_typed(identity: Any) -> None:
    make(identity)
    for _ in range(5):
        fail(identity, " ANA ", "10.0.0.1")
    assert seconds_to_wait(identity, "ana", "10.0.0.1") > 0


def test_a_good_log_in_forgets_earlier_failures(identity: Any) -> None:
    make(identity)
    for _ in range(3):
        for _ in range(tries.FREE - 1):
            fail(identity, "ana", "10.0.0.1")
        identity.log_in("ana", PASSWORD, "10.0.0.1")


def test_a_session_that_ended_is_denied_and_the_others_go_on(identity: Any) -> None:
    make(identity)
    first, second = (identity.log_in("ana", PASSWORD, "10.0.0.1").token for _ in range(2))
    identity.log_out(first)
    identity.log_out(first)
    with pytest.raises(Denied):
        identity.get_session(first)
    assert identity.get_session(second).actor.username == "ana"


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Set how long a session lasts."""

    def set_hours(count: float) -> None:
        monkeypatch.setenv("PREGON_SESSION_HOURS", str(count))
        settings.cache_clear()

    yield set_hours
    monkeypatch.undo()
    settings.cache_clear()


def test_a_session_lasts_twelve_hours_unless_told(identity: Any, redis: Redis) -> None:
    make(identity)
    made = identity.log_in("ana", PASSWORD, "10.0.0.1")
    [left] = [redis.ttl(name) for name in redis.scan_iter(key("session:*"))]
    assert 12 * 3600 - 60 < left <= 12 * 3600
    [left] = [redis.ttl(name) for name in redis.scan_iter(key("sessions:*"))]
    assert 24 * 3600 - 60 < left <= 24 * 3600  # the user's list, as long as one of them may last
    assert timedelta(hours=12) - (made.expires_at - clock.now()) < timedelta(minutes=1)
    again = identity.get_session(made.token)
    assert abs(again.expires_at - made.expires_at) < timedelta(minutes=1)


def test_a_session_expires_by_itself(identity: Any, hours: Any, until: Any) -> None:
    hours(1.2 / 3600)
    make(identity)
    token = identity.log_in("ana", PASSWORD, "10.0.0.1").token
    assert identity.get_session(token).actor.username == "ana"

    def is_denied() -> bool:
        try:
            identity.get_session(token)
        except Denied:
            return True
        return False

    until(is_denied)


def test_a_token_is_stored_only_as_its_hash(identity: Any, redis: Redis) -> None:
    make(identity)
    token = identity.log_in("ana", PASSWORD, "10.0.0.1").token
    stored = [key.decode() for key in redis.scan_iter("*")]
    assert stored
    assert not any(token in key for key in stored)


def test_a_new_role_or_password_ends_all_sessions(identity: Any) -> None:
    make(identity, "admin", Role.ADMIN)
    user = make(identity)
    token = identity.log_in("ana", PASSWORD, "10.0.0.1").token
    identity.update_user(user.id, UserChange.to(full_name="Ana Mora Paz"))
    assert identity.get_session(token).actor.full_name == "Ana Mora Paz"
    identity.update_user(user.id, UserChange.to(role=Role.SUPERVISOR))
    with pytest.raises(Denied):
        identity.get_session(token)


def test_the_second_of_two_changes_learns_who_was_first(identity: Any) -> None:
    make(identity, "admin", Role.ADMIN)
    user = make(identity)
    seen = user.version
    identity.update_user(user.id, UserChange.to(full_name="Ana Mora Paz", version=seen))
    with pytest.raises(Conflict, match=r"Jefa cambió este usuario el .*\. Vuelva a abrirlo"):
        identity.update_user(user.id, UserChange.to(role=Role.SUPERVISOR, version=seen))
    now = identity.get_user(user.id)
    assert (now.full_name, now.role, now.version) == ("Ana Mora Paz", Role.ADVISOR, seen + 1)


def test_what_stays_as_it_is_ends_no_session_and_a_log_in_is_no_change(identity: Any) -> None:
    make(identity, "admin", Role.ADMIN)
    user = make(identity)
    token = identity.log_in("ana", PASSWORD, "10.0.0.1").token
    same = UserChange.to(full_name="Ana Paz", role=Role.ADVISOR, version=user.version)
    identity.update_user(user.id, same)
    assert identity.get_session(token).actor.full_name == "Ana Paz"


def test_a_deactivated_user_cannot_log_in(identity: Any) -> None:
    make(identity, "admin", Role.ADMIN)
    user = make(identity)
    identity.update_user(user.id, UserChange.to(active=False))
    with pytest.raises(Denied, match="desactivado"):
        identity.log_in("ana", PASSWORD, "10.0.0.1")


def test_the_last_active_administrator_stays(identity: Any) -> None:
    admin = make(identity, "admin", Role.ADMIN)
    with pytest.raises(Conflict):
        identity.update_user(admin.id, UserChange.to(active=False))
    assert identity.get_user(admin.id).active


def test_a_taken_username_is_named(identity: Any) -> None:
    make(identity)
    with pytest.raises(Invalid) as error:
        make(identity)
    assert [item.field for item in error.value.fields] == ["username"]


def test_the_same_command_twice_makes_one_user(identity: Any) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        assert make(identity) == make(identity)
        with pytest.raises(Conflict):
            make(identity, "berta")
    assert [user.username for user in identity.list_users().items] == ["ana"]


def test_users_come_in_pages(identity: Any) -> None:
    for name in ("carla", "ana", "berta"):
        make(identity, name)
    first = identity.list_users(limit=2)
    assert [user.username for user in first.items] == ["ana", "berta"]
    rest = identity.list_users(after=first.next, limit=2)
    assert [user.username for user in rest.items] == ["carla"]
    assert rest.next is None


def test_users_are_found_by_parts_of_name_username_or_mail(identity: Any) -> None:
    make(identity, "ana", full_name="Ana Núñez", email="a.nunez@empresa.example")
    make(identity, "berta", full_name="Berta Ruiz", role=Role.ADMIN)

    def found(**wanted: Any) -> list[str]:
        return [user.username for user in identity.list_users(**wanted).items]

    assert found(search="nunez AN") == found(search="empresa.ex") == ["ana"]
    assert found(search="ber") == found(search="ruiz") == ["berta"]
    assert found(search="%") == found(search="ana ruiz") == []
    assert found(order="-full_name") == ["berta", "ana"]
    assert found(active=True, role=Role.ADMIN) == ["berta"]
    assert found(active=False) == []
    for order in ("role", "last_login_at", "starts_on", "ends_on", "-last_login_at"):
        assert sorted(found(order=order)) == ["ana", "berta"]
    assert identity.list_users(count=True, limit=1).total.rows == 2


def test_many_users_are_deactivated_each_by_itself(identity: Any) -> None:
    admin = make(identity, "admin", role=Role.ADMIN)
    ana, berta = make(identity, "ana"), make(identity, "berta")
    token = identity.log_in("ana", PASSWORD, "10.0.0.1").token
    done = identity.set_users_active([ana.id, admin.id, berta.id, 999], active=False)
    assert done.done == 2
    assert {one.id: one.label for one in done.refused} == {
        admin.id: admin.full_name,
        999: "n.º 999",
    }
    assert "administra" in next(one.reason for one in done.refused if one.id == admin.id).lower()
    states = {user.username: user.active for user in identity.list_users().items}
    assert states == {"admin": True, "ana": False, "berta": False}
    with pytest.raises(Denied):
        identity.get_session(token)
    assert identity.set_users_active([ana.id, ana.id], active=True).done == 1
    with pytest.raises(Denied):
        identity.get_session(token)  # it ended; who is active again logs in again
    assert identity.set_users_active([ana.id], active=True).done == 1  # it is so already
