"""The record: what rooms tell is written once, in links, and found by who, whom, what and when."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import eventlet
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from services.identity import audit as entries
from services.identity import verify_audit
from shared import audit, clock, trace
from shared.contracts.audit import AuditAction, AuditKind, AuditWho
from shared.contracts.identity import NewUser, UserChange
from shared.errors import Denied
from shared.permissions import Role
from tests.databases import audited_of
from tests.make.actors import make_actor
from tests.make.audit import fill, indexes_read, make_event, months_read

Sessions = sessionmaker[Session]
PASSWORD = "correo-lluvia-mesa"


@pytest.fixture
def sessions(database: Callable[[str], Sessions]) -> Sessions:
    return database("identity")


def tell(identity: Any, action: AuditAction = AuditAction.PROFILE_SEEN, **values: Any) -> None:
    """An event as the broker brings it: Eva, and no thing unless it is said."""
    nothing: dict[str, Any] = {"object_kind": None, "object_id": "", "customer_id": None}
    identity.on_audited(uuid4(), make_event(1, **nothing | {"action": action} | values))


def found(identity: Any, **filters: Any) -> Any:
    """A page of the record, as an administrator asks for it."""
    with trace.use(actor=make_actor("admin", Role.ADMIN)):
        return identity.list_audit(**filters)


def sentences(identity: Any, **filters: Any) -> list[str]:
    return [entry.sentence for entry in found(identity, **filters).items]


@contextmanager
def day(monkeypatch: pytest.MonkeyPatch, at: datetime) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: at)
        yield


def test_a_sentence_says_who_saw_what_of_whom_and_why(identity: Any) -> None:
    risk: dict[str, Any] = {
        "object_kind": AuditKind.CUSTOMER,
        "object_id": "17",
        "customer_id": 17,
        "purpose": "Venta",
    }
    tell(identity, AuditAction.RISK_CHECKED, **risk)
    tell(identity, AuditAction.LISTED, object_kind=AuditKind.CUSTOMERS, listed=[17, 18])
    tell(identity, AuditAction.CHANGED, object_kind=AuditKind.CAMPAIGN, object_id="3")
    tell(
        identity,
        AuditAction.LOG_IN_FAILED,
        username="",
        full_name="",
        role="",
        room="identity",
    )
    assert sentences(identity) == [
        "El sistema (identity) intentó ingresar sin éxito",
        "Eva Ruiz (asesor) cambió la campaña 3",
        "Eva Ruiz (asesor) vio la lista de los clientes (2)",
        "Eva Ruiz (asesor) consultó la calificación del cliente 17 por venta",
    ]


def test_it_is_found_by_who_whom_what_and_when(
    identity: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {"object_kind": AuditKind.CUSTOMER, "object_id": "17", "customer_id": 17}
    late = datetime(2026, 11, 21, 4, 59, tzinfo=UTC)  # in Ecuador the day before
    with day(monkeypatch, datetime(2026, 11, 21, 5, 1, tzinfo=UTC)):
        tell(identity, at=late, **seen)
    with day(monkeypatch, datetime(2026, 11, 22, 15, 0, tzinfo=UTC)):
        tell(identity, AuditAction.TIMELINE_SEEN, username="ana", full_name="Ana Paz", **seen)
        tell(identity, AuditAction.LISTED, object_kind=AuditKind.CUSTOMERS, listed=[16, 17])
    profile = "Eva Ruiz (asesor) vio la ficha del cliente 17"
    history = "Ana Paz (asesor) vio la historia del cliente 17"
    listed = "Eva Ruiz (asesor) vio la lista de los clientes (2)"
    assert sentences(identity, customer_id=17) == [history, profile]
    assert sentences(identity, customer_id=17, listed=True) == [listed]
    assert sentences(identity, username="ana") == [history]
    assert sentences(identity, action=AuditAction.PROFILE_SEEN) == [profile]
    first, second, third = (date(2026, 11, number) for number in (20, 21, 22))
    assert sentences(identity, from_on=first, to_on=first) == [profile]
    assert sentences(identity, from_on=second, to_on=third) == [listed, history]
    newest = found(identity, limit=1)
    assert found(identity, limit=5, after=newest.next).items[0].sentence == history


def test_what_a_system_did_is_found_by_its_name_and_apart_from_people(identity: Any) -> None:
    tell(identity)
    tell(identity, system="Facturación")
    tell(identity, system="Facturación 2", username="ana")
    nobody: dict[str, Any] = {"user_id": None, "username": "", "full_name": "", "role": ""}
    tell(identity, AuditAction.SENT, **nobody)

    def lines(**filters: Any) -> list[tuple[str, str]]:
        return [(entry.username, entry.system) for entry in found(identity, **filters).items]

    assert lines(system="FACTURACIÓN") == [("eva", "Facturación")]
    assert lines(system="Factura") == []
    assert lines(system="") == []
    systems = [("ana", "Facturación 2"), ("eva", "Facturación")]
    assert lines(who=AuditWho.SYSTEM) == systems
    assert lines(who=AuditWho.SYSTEM, username="ana") == systems[:1]
    assert lines(who=AuditWho.PERSON) == [("eva", "")]
    assert lines(who=AuditWho.PRODUCT) == [("", "")]
    assert lines(who=AuditWho.PERSON, system="Facturación") == []
    assert lines(username="eva") == [("eva", "Facturación"), ("eva", "")]


def test_an_event_that_comes_twice_is_one_line(identity: Any) -> None:
    event_id, event = uuid4(), make_event(1)
    identity.on_audited(event_id, event)
    identity.on_audited(event_id, event)
    assert len(found(identity).items) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_who_may_reads_the_record(identity: Any, role: Role) -> None:
    with trace.use(actor=make_actor("otra", role)):
        for ask in (identity.list_audit, identity.list_audit_days):
            with pytest.raises(Denied):
                ask()
        if role is not Role.MARKETING_HEAD:
            with pytest.raises(Denied):
                identity.list_viewers(17)


def test_many_at_once_make_one_chain_without_gaps(identity: Any, sessions: Sessions) -> None:
    threads = [eventlet.spawn(tell, identity, customer_id=number) for number in range(40)]
    for thread in threads:
        thread.wait()
    with sessions() as session:
        [today] = entries.all_days(session)
        numbers = [line["id"] % 10**8 for line in entries.lines_of(session, today["day"])]
        assert numbers == list(range(1, 41))
        assert list(verify_audit.verify(session)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET username = 'otra'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "DELETE FROM audit_day",
        "TRUNCATE audit_day",
        "UPDATE audit_day SET rows = rows - 1",
        "SELECT audit_remove_month(current_date)",
    ],
)
def test_lines_can_only_be_added(identity: Any, sessions: Sessions, statement: str) -> None:
    tell(identity)
    with (
        pytest.raises(DBAPIError, match=r"only added|sealed|year old"),
        sessions.begin() as session,
    ):
        session.execute(text(statement))


def test_a_month_of_this_year_stays_also_when_its_days_are_sealed(sessions: Sessions) -> None:
    sealed = text(
        "INSERT INTO audit_day (day, rows, hash, seal, sealed_at)"
        " VALUES (CAST(:day AS date), 0, '', 's', now())"
    )
    day = clock.today() - timedelta(days=330)
    with sessions.begin() as session:
        session.execute(sealed, {"day": day})
    with pytest.raises(DBAPIError, match="year old"), sessions.begin() as session:
        session.execute(text("SELECT audit_remove_month(:day)"), {"day": day})


def test_a_partition_cannot_be_emptied_either(identity: Any, sessions: Sessions) -> None:
    tell(identity)
    with sessions() as session:
        partition = f"audit_entry_{clock.today():%Y%m}"
        with pytest.raises(DBAPIError, match="only added"):
            session.execute(text(f"TRUNCATE {partition}"))


def test_a_room_that_may_add_and_read_may_do_nothing_else(
    identity: Any, sessions: Sessions
) -> None:
    tell(identity)
    with sessions() as session:
        session.execute(text("CREATE ROLE audit_room"))
        session.execute(text("GRANT SELECT, INSERT ON audit_entry, role TO audit_room"))
        session.execute(text("GRANT SELECT, INSERT, UPDATE ON audit_day TO audit_room"))
        session.execute(text("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO audit_room"))
        session.execute(text("SET LOCAL ROLE audit_room"))
        entries.make_months(session, date(2099, 1, 1))
        may = "SELECT has_table_privilege('audit_entry_209901', :right)"
        assert session.execute(text(may), {"right": "SELECT"}).scalar() is True
        assert session.execute(text(may), {"right": "UPDATE, DELETE, TRUNCATE"}).scalar() is False
        entries.append(session, make_event(1))
        with pytest.raises(DBAPIError, match="permission denied"):
            session.execute(text("UPDATE audit_entry SET username = 'otra'"))


# --- what identity itself records ---


def test_a_log_in_and_a_failure_are_on_record_with_their_source(
    identity: Any, sessions: Sessions
) -> None:
    identity.create_user(
        NewUser(username="eva", full_name="Eva Ruiz", role=Role.ADVISOR, password=PASSWORD)
    )
    with trace.use(actor=None):
        identity.log_in("eva", PASSWORD, "10.0.0.7")
        for username in ("eva", "mi-clave-secreta"):
            with pytest.raises(Denied):
                identity.log_in(username, "no-es", "10.0.0.8")
    created, entered, refused, unknown = audited_of(sessions)
    assert (created["action"], created["username"]) == ("created", "jefe")
    assert (entered["action"], entered["username"], entered["source"]) == (
        "log_in",
        "eva",
        "10.0.0.7",
    )
    assert (refused["action"], refused["username"]) == ("log_in_failed", "eva")
    assert (unknown["username"], unknown["source"]) == ("", "10.0.0.8")
    assert "mi-clave" not in str(unknown)
    assert unknown["changes"]["username_tried"] == [None, audit.fingerprint("mi-clave-secreta")]


def test_a_changed_user_is_on_record_before_and_after_but_no_value_of_a_person(
    identity: Any, sessions: Sessions
) -> None:
    new = NewUser(username="eva", full_name="Eva Ruiz", role=Role.ADVISOR, password=PASSWORD)
    boss = NewUser(username="rey", full_name="Rey Paz", role=Role.ADMIN, password=PASSWORD)
    user, _ = identity.create_user(new), identity.create_user(boss)
    change = {"role": "supervisor", "full_name": "Eva Paz", "password": "otra-lluvia-de-mesas"}
    identity.update_user(user.id, UserChange(**change))
    changed = audited_of(sessions)[-1]
    assert (changed["action"], changed["object_kind"], changed["object_id"]) == (
        "changed",
        "user",
        "eva",
    )
    assert changed["changes"] == {
        "full_name": [audit.fingerprint("Eva Ruiz"), audit.fingerprint("Eva Paz")],
        "role": ["advisor", "supervisor"],
        "password_hash": ["#", "#"],
    }


def test_who_asks_who_saw_is_on_record_with_the_address(identity: Any, sessions: Sessions) -> None:
    head = make_actor().model_copy(update={"source": "::1"})
    tell(identity, customer_id=17)
    with trace.use(actor=head):
        assert len(identity.list_viewers(17).items) == 1
        identity.record_export(AuditKind.AUDIT, reason="Pedido del auditor")
    asked, taken = audited_of(sessions)
    assert (asked["action"], asked["customer_id"], asked["source"]) == ("viewers_seen", 17, "::1")
    assert (taken["action"], taken["purpose"]) == ("exported", "Pedido del auditor")


# --- at size ---


def test_a_search_is_by_an_index_in_the_months_that_it_asks_for(
    sessions: Sessions,
) -> None:
    newest: dict[str, Any] = {"from_on": date(2026, 10, 2)}
    every, newest_month = {"202608", "202609", "202610"}, {"202610"}
    asked: list[dict[str, Any]] = [
        {},
        {"username": "asesor31"},
        {"customer_id": 777},
        {"action": AuditAction.RISK_SEEN},
        {"system": "sistema 3"},
        {"system": "sistema 3", "action": AuditAction.RISK_SEEN},
        *({"who": who} for who in AuditWho),
    ]
    with sessions.begin() as session:
        fill(session, 20_000)
        for one in asked:
            assert months_read(session, entries.Filters(**one)) == every
            assert months_read(session, entries.Filters(**one | newest)) == newest_month
        named = entries.Filters(system="sistema 3")  # and not by walking through all by their time
        assert indexes_read(session, named) == {"lower_at_id_idx"}
        session.rollback()
