"""Roles: what their users may do, at once, and that somebody can always administer users."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from services.identity import defaults
from services.identity.models import Permission, RolePermission
from shared import clock, trace
from shared.contracts.identity import NewRole, NewUser, RoleChange, UserChange, UserPermission
from shared.contracts.telemarketing import CallPermission
from shared.errors import Conflict, Denied, Invalid, NotFound
from shared.permissions import Role, granted, list_permissions
from tests.make.actors import make_actor

Sessions = sessionmaker[Session]
HERE = "10.0.0.1"
PASSWORD = "una-clave-larga"
DAY = timedelta(days=1)


def make(identity: Any, username: str, role: str, **more: Any) -> Any:
    new = NewUser(username=username, full_name="Ana Mora", role=role, password=PASSWORD, **more)
    return identity.create_user(new)


@pytest.fixture
def admin(identity: Any) -> Any:
    return make(identity, "admin", Role.ADMIN)


def enter(identity: Any, username: str) -> str:
    token: str = identity.log_in(username, PASSWORD, HERE).token
    return token


def permissions_of(identity: Any, code: str) -> set[str]:
    return set(identity.get_role(code).permissions)


def test_the_five_roles_begin_with_what_the_contracts_say(identity: Any) -> None:
    found = identity.list_roles()
    assert [role.code for role in found if role.builtin] == [role.code for role in found]
    assert {role.code: frozenset(role.permissions) for role in found} == {
        role.value: granted(role) for role in Role
    }
    assert {grant.granted_by for role in found for grant in role.grants} == {defaults.BY}


def test_a_permission_that_is_new_to_the_database_goes_to_its_roles_once(
    identity: Any, admin: Any
) -> None:
    code = CallPermission.CHECK_RISK.value
    left = permissions_of(identity, "advisor") - {CallPermission.WORK}
    identity.update_role("advisor", RoleChange.to(permissions=sorted(left)))
    with identity.db.begin() as session:  # as if the program had not known this one before
        session.execute(delete(RolePermission).where(RolePermission.permission == code))
        session.execute(delete(Permission).where(Permission.code == code))
    with identity.db.begin() as session:
        defaults.settle(session)
        defaults.settle(session)
    assert permissions_of(identity, "advisor") == left  # and what was taken away stays away
    assert code in permissions_of(identity, "supervisor")


def test_an_own_role_says_what_its_users_may(identity: Any, admin: Any) -> None:
    with trace.use(actor=make_actor("eva", full_name="Eva Paz")):
        made = identity.create_role(
            NewRole(code="auditor", name="Auditora", permissions=["mail.read", "customer.read"])
        )
    assert (made.builtin, made.users) == (False, 0)
    assert {grant.granted_by for grant in made.grants} == {"Eva Paz"}
    make(identity, "ida", "auditor")
    session = identity.get_session(enter(identity, "ida"))
    assert (session.actor.role, session.role_name) == ("auditor", "Auditora")
    assert session.permissions == session.actor.permissions == {"mail.read", "customer.read"}
    assert identity.get_role("auditor").users == 1
    assert [user.username for user in identity.list_users(permission="mail.read").items] == [
        "admin",
        "ida",
    ]


def test_a_change_acts_on_a_running_session_at_once(identity: Any, admin: Any) -> None:
    make(identity, "ana", Role.ADVISOR)
    token = enter(identity, "ana")
    assert CallPermission.WORK in identity.get_session(token).permissions
    kept = permissions_of(identity, "advisor") - {CallPermission.WORK}
    identity.update_role("advisor", RoleChange.to(permissions=sorted(kept)))
    assert identity.get_session(token).permissions == kept
    identity.update_role("advisor", RoleChange.to(permissions=[*kept, "mail.read"]))
    assert "mail.read" in identity.get_session(token).actor.permissions


def test_what_stays_keeps_who_granted_it_and_since_when(identity: Any, admin: Any) -> None:
    new = NewRole(code="auditor", name="Auditora", permissions=["mail.read"])
    before = identity.create_role(new).grants
    with trace.use(actor=make_actor("eva", full_name="Eva Paz")):
        change = RoleChange.to(name="Auditor", permissions=["mail.read", "customer.read"])
        after = {
            grant.permission: grant for grant in identity.update_role("auditor", change).grants
        }
    assert after["mail.read"] == before[0]
    assert after["customer.read"].granted_by == "Eva Paz"


def test_of_two_changes_the_second_learns_who_was_first(identity: Any, admin: Any) -> None:
    seen = identity.create_role(NewRole(code="auditor", name="Auditora", permissions=[])).version
    identity.update_role("auditor", RoleChange.to(name="Auditor", version=seen))
    with pytest.raises(Conflict, match="Jefa cambió este rol"):
        identity.update_role("auditor", RoleChange.to(permissions=["mail.read"], version=seen))


def test_wrong_roles_are_named(identity: Any, admin: Any) -> None:
    wrong: dict[str, Callable[[], Any]] = {
        "permissions": lambda: identity.create_role(
            NewRole(code="x1", name="Otro", permissions=["no.such"])
        ),
        "code": lambda: identity.create_role(NewRole(code="advisor", name="Otro", permissions=[])),
        "name": lambda: identity.update_role("advisor", RoleChange.to(name="Supervisor")),
        "role": lambda: make(identity, "ana", "nadie"),
    }
    for field, act in wrong.items():
        with pytest.raises(Invalid) as error:
            act()
        assert [item.field for item in error.value.fields] == [field]
    with pytest.raises(Invalid):
        identity.update_user(admin.id, UserChange.to(role="nadie"))
    with pytest.raises(NotFound):
        identity.get_role("nadie")


def test_a_role_is_deleted_when_nobody_has_it_and_it_is_no_default(
    identity: Any, admin: Any
) -> None:
    identity.create_role(NewRole(code="auditor", name="Auditora", permissions=["mail.read"]))
    ida = make(identity, "ida", "auditor")
    with pytest.raises(Conflict, match="Hay usuarios con este rol"):
        identity.delete_role("auditor")
    identity.update_user(ida.id, UserChange.to(role=Role.ADVISOR))
    identity.delete_role("auditor")
    with pytest.raises(NotFound):
        identity.get_role("auditor")
    with pytest.raises(Conflict, match="parte del sistema"):
        identity.delete_role("backoffice")


# --- somebody can always administer users ---


def test_the_last_who_may_administer_users_is_not_locked_out_by_the_role(
    identity: Any, admin: Any
) -> None:
    kept = permissions_of(identity, "admin") - {UserPermission.WRITE}
    with pytest.raises(Conflict, match="Debe quedar"):
        identity.update_role("admin", RoleChange.to(permissions=sorted(kept)))
    assert UserPermission.WRITE in identity.get_session(enter(identity, "admin")).permissions
    identity.create_role(NewRole(code="boss", name="Dueña", permissions=["user.write"]))
    make(identity, "eva", "boss")
    identity.update_role("admin", RoleChange.to(permissions=sorted(kept)))
    assert permissions_of(identity, "admin") == kept


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"role": "advisor"},
        {"ends_on": clock.today() + 30 * DAY},
        {"starts_on": clock.today() + 30 * DAY},
    ],
    ids=["deactivated", "another role", "a last day", "not yet there"],
)
def test_nor_by_what_happens_to_the_user(identity: Any, admin: Any, change: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="Debe quedar"):
        identity.update_user(admin.id, UserChange.to(**change))
    assert identity.get_user(admin.id).version == admin.version
    second = make(identity, "eva", Role.ADMIN)
    identity.update_user(admin.id, UserChange.to(**change))
    with pytest.raises(Conflict, match="Debe quedar"):
        identity.update_user(second.id, UserChange.to(**change))


def test_two_who_take_it_from_each_other_at_once_leave_one(
    identity: Any, admin: Any, door: Callable[..., Any]
) -> None:
    identity.create_role(NewRole(code="boss", name="Dueña", permissions=["user.write"]))
    make(identity, "eva", "boss")
    kept = sorted(permissions_of(identity, "admin") - {UserPermission.WRITE})
    actor = trace.actor()

    def act(work: Callable[[Any], Any]) -> bool:
        with trace.use(actor=actor):
            try:
                work(door("identity", identity.db, redis=identity.redis))
            except Conflict:
                return False
            return True

    for _ in range(5):
        works = [
            lambda room: room.update_role("admin", RoleChange.to(permissions=kept)),
            lambda room: room.update_role("boss", RoleChange.to(permissions=[])),
        ]
        with ThreadPoolExecutor(2) as threads:
            done = list(threads.map(act, works))
        assert sorted(done) == [False, True]
        with identity.db() as session:
            query = select(RolePermission).where(RolePermission.permission == "user.write")
            assert len(session.scalars(query).all()) == 1
        identity.update_role("boss", RoleChange.to(permissions=["user.write"]))
        identity.update_role("admin", RoleChange.to(permissions=[*kept, "user.write"]))


# --- the days of work ---


def test_before_the_first_day_and_after_the_last_nobody_logs_in(identity: Any, admin: Any) -> None:
    today = clock.today()
    make(identity, "early", Role.ADVISOR, starts_on=today + DAY)
    make(identity, "late", Role.ADVISOR, ends_on=today - DAY)
    make(identity, "now", Role.ADVISOR, starts_on=today, ends_on=today)
    with pytest.raises(Denied, match="todavía no empieza"):
        enter(identity, "early")
    with pytest.raises(Denied, match="terminó"):
        enter(identity, "late")
    assert identity.get_session(enter(identity, "now")).actor.username == "now"


def test_a_running_session_ends_with_the_last_day(
    identity: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clock.today()
    user = make(identity, "ana", Role.ADVISOR)
    token = enter(identity, "ana")
    identity.update_user(user.id, UserChange.to(ends_on=today))
    assert identity.get_session(token).actor.username == "ana"
    monkeypatch.setattr(clock, "today", lambda: today + DAY)
    with pytest.raises(Denied, match="La sesión expiró"):
        identity.get_session(token)


def test_days_and_hours_are_kept_and_can_be_emptied(identity: Any, admin: Any) -> None:
    hours = {"work_days": ["monday", "friday"], "work_from": "08:00", "work_until": "16:30"}
    user = make(identity, "ana", Role.ADVISOR, starts_on=clock.today(), **hours)
    assert (user.work_days, user.work_from, user.work_until) == tuple(hours.values())
    emptied = UserChange.to(starts_on=None, work_days=[], work_from=None, work_until=None)
    now = identity.update_user(user.id, emptied)
    assert (now.starts_on, now.work_days, now.work_from) == (None, [], None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"starts_on": "2026-12-02", "ends_on": "2026-12-01"}, "ends_on"),
        ({"work_from": "08:00"}, "work_until"),
        ({"work_until": "08:00"}, "work_from"),
        ({"work_from": "08:00", "work_until": "08:00"}, "work_until"),
    ],
)
def test_days_and_hours_that_cannot_be_are_named(
    identity: Any, admin: Any, wrong: dict[str, Any], field: str
) -> None:
    user = make(identity, "ana", Role.ADVISOR)
    acts: tuple[Callable[[], Any], ...] = (
        lambda: make(identity, "eva", Role.ADVISOR, **wrong),
        lambda: identity.update_user(user.id, UserChange.to(**wrong)),
    )
    for act in acts:
        with pytest.raises(Invalid) as error:
            act()
        assert [item.field for item in error.value.fields] == [field]


def test_every_permission_of_the_program_is_known_to_the_database(identity: Any) -> None:
    with identity.db() as session:
        known = set(session.scalars(select(Permission.code)))
    assert known == {item.value for item in list_permissions()}
