"""identity's SQL on teams."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.identity.models import IS_MEMBER, Member, Team, User
from shared import clock, edits, keyset
from shared.contract import Slice
from shared.contracts import identity as contract
from shared.ecuador.dates import format_date
from shared.errors import Conflict, FieldError, Invalid, NotFound

TAKEN = "Ya hay un equipo con ese nombre. Elija otro."
SHOWN = 500  # members of a team, of now and before
_TODAYS = (
    select(func.count())
    .where(Member.team_id == Team.id, IS_MEMBER)
    .correlate(Team)
    .scalar_subquery()
)


def list_teams(session: Session, after: str | None, limit: int) -> Slice[Any]:
    """(team, supervisor, how many are in it today) by name."""
    query = select(Team, User, _TODAYS).join(User, User.id == Team.supervisor_id)
    return keyset.fetch(session, query, [Team.name], after, limit)


def to_row(row: Any) -> contract.TeamRow:
    """A line of the list."""
    team, supervisor, members, *_ = row
    return contract.TeamRow(**_values(team, supervisor), members=members)


def get_team(session: Session, team_id: int, *, lock: bool = False) -> Team:
    """One team, the row locked when asked. Raises NotFound."""
    found = session.get(Team, team_id, with_for_update=lock)
    if found is None:
        raise NotFound("El equipo no existe.")
    return found


def show(session: Session, team: Team) -> contract.Team:
    """With those who are, were or will be in it."""
    supervisor = session.get_one(User, team.supervisor_id)
    rows = session.execute(
        select(Member, User)
        .join(User, User.id == Member.user_id)
        .where(Member.team_id == team.id)
        .order_by(Member.starts_on.desc(), Member.id.desc())
        .limit(SHOWN)
    )
    history = [to_member(member, user) for member, user in rows]
    today = clock.today()
    members = sum(one.starts_on <= today <= (one.ends_on or today) for one in history)
    return contract.Team(**_values(team, supervisor), members=members, history=history)


def to_member(member: Member, user: User) -> contract.Member:
    """As others may see it."""
    return contract.Member(
        id=member.id,
        username=user.username,
        full_name=user.full_name,
        starts_on=member.starts_on,
        ends_on=member.ends_on,
    )


def find_person(session: Session, username: str, field: str) -> User:
    """Whom a form names; the row is locked, so that nobody else is putting them elsewhere.

    Raises Invalid on the field.
    """
    query = select(User).where(User.username == username).with_for_update(key_share=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise Invalid.field(field, "No hay un usuario con ese nombre.")
    return found


def insert_team(session: Session, new: contract.NewTeam) -> Team:
    """A new team. Raises Invalid."""
    supervisor = find_person(session, new.supervisor, "supervisor")
    values = {"name": new.name, "supervisor_id": supervisor.id}
    try:
        with session.begin_nested():
            return session.execute(insert(Team).values(values).returning(Team)).scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def set_team(session: Session, team: Team, sent: dict[str, Any]) -> Team:
    """Change what is sent. Raises Invalid; Conflict when a member would lead the team."""
    if "supervisor" in sent:
        supervisor = find_person(session, sent.pop("supervisor"), "supervisor")
        _refuse_member(session, team.id, supervisor)
        sent["supervisor_id"] = supervisor.id
    if sent.get("active") is False:
        _end_all(session, team.id)
    changed = update(Team).where(Team.id == team.id)
    values = sent | {"version": Team.version + 1} | edits.mark()
    try:
        with session.begin_nested():
            fresh = changed.values(**values).returning(Team)
            return session.execute(
                fresh, execution_options={"populate_existing": True}
            ).scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def insert_member(
    session: Session, team: Team, new: contract.NewMember, by: str
) -> contract.Member:
    """Somebody comes into a team. Raises Conflict, Invalid."""
    person = find_person(session, new.username, "username")
    if not team.active:
        raise Conflict("El equipo está cerrado. Ábralo antes de agregar a alguien.")
    if person.id == team.supervisor_id:
        raise _refused(f"{person.full_name} dirige este equipo.")
    _refuse_second(session, person, new.starts_on, None)
    values = {"team_id": team.id, "user_id": person.id, "starts_on": new.starts_on, "added_by": by}
    member = session.execute(insert(Member).values(values).returning(Member)).scalar_one()
    return to_member(member, person)


def end_member(
    session: Session, team_id: int, member_id: int, ends_on: date, by: str
) -> contract.Member:
    """Say somebody's last day. Raises NotFound, Conflict, Invalid."""
    member = session.get(Member, member_id)
    if member is None or member.team_id != team_id:
        raise NotFound("Esa persona no está en el equipo.")
    person = lock_person(session, member.user_id)
    if ends_on < member.starts_on - timedelta(days=1):
        told = f"Está en el equipo desde el {format_date(member.starts_on)}."
        raise Invalid.field("ends_on", told)
    _refuse_second(session, person, member.starts_on, ends_on, but=member.id)
    member.ends_on, member.ended_by = ends_on, by  # noqa: V101  # columns
    session.flush()
    return to_member(member, person)


def lock_person(session: Session, user_id: int) -> User:
    """A member's user, the row locked."""
    return session.get_one(User, user_id, with_for_update={"key_share": True})


def _values(team: Team, supervisor: User) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "supervisor": supervisor.username,
        "supervisor_name": supervisor.full_name,
        "active": team.active,
        "version": team.version,
    }


def _refuse_second(
    session: Session, person: User, starts_on: date, ends_on: date | None, but: int = 0
) -> None:
    """Said before the table refuses it: in which team, and since when."""
    until = literal(ends_on) if ends_on else None
    query = (
        select(Member, Team.name)
        .join(Team, Team.id == Member.team_id)
        .where(Member.user_id == person.id, Member.id != but)
        .where(or_(Member.ends_on.is_(None), Member.ends_on >= starts_on))
        .where(or_(Member.ends_on.is_(None), Member.ends_on >= Member.starts_on))
    )
    if until is not None:
        query = query.where(Member.starts_on <= until)
    found = session.execute(query.order_by(Member.starts_on).limit(1)).first()
    if found is None:
        return
    member, name = found
    since = format_date(member.starts_on)
    told = f"{person.full_name} está en el equipo «{name}» desde el {since}"
    told += f" hasta el {format_date(member.ends_on)}." if member.ends_on else "."
    raise _refused(f"{told} Nadie está en dos equipos a la vez.")


def _refused(text: str) -> Conflict:
    return Conflict(text, [FieldError("username", text)])


def _refuse_member(session: Session, team_id: int, person: User) -> None:
    query = select(Member.id).where(Member.team_id == team_id, Member.user_id == person.id)
    ahead = or_(Member.ends_on.is_(None), Member.ends_on >= clock.today())
    if session.execute(query.where(ahead).limit(1)).first():
        text = f"{person.full_name} es miembro de este equipo."
        raise Conflict(text, [FieldError("supervisor", text)])


def _end_all(session: Session, team_id: int) -> None:
    """Of a team that is closed: yesterday was the last day, so others may have them today."""
    yesterday = clock.today() - timedelta(days=1)
    session.execute(
        update(Member)
        .where(Member.team_id == team_id)
        .where(or_(Member.ends_on.is_(None), Member.ends_on > yesterday))
        .values(ends_on=func.greatest(yesterday, Member.starts_on - 1))
        .execution_options(synchronize_session=False)
    )
