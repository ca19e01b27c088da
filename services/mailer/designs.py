"""mailer's SQL on designs."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import making
from services.mailer.models import Design, Mailing
from shared import clock, keyset
from shared.contract import Slice
from shared.errors import Conflict, NotFound


def insert_design(session: Session, values: dict[str, Any], by: str) -> Design:
    """A new design."""
    row = insert(Design).values(created_by=by, **values)
    return session.execute(row.returning(Design)).scalar_one()


def put_builtin(session: Session, key: str, values: dict[str, Any]) -> None:
    """Insert or bring up to date a design that comes with the product."""
    row = insert(Design).values(key=key, created_by="pregon", **values)
    changed = {name: row.excluded[name] for name in values} | {"updated_at": clock.now()}
    session.execute(
        row.on_conflict_do_update(
            index_elements=["key"], set_=changed, where=Design.source != row.excluded.source
        )
    )


def find_design(session: Session, design_id: int) -> Design | None:
    """One design, unless it was deleted."""
    found = session.get(Design, design_id)
    return None if found is None or found.deleted_at is not None else found


def get_design(session: Session, design_id: int) -> Design:
    """One design. Raises NotFound, also when it was deleted."""
    found = find_design(session, design_id)
    if found is None:
        raise NotFound("El diseño no existe.")
    return found


def list_designs(session: Session, after: str | None, limit: int) -> Slice[Design]:
    """Built-in ones were inserted first, so by id they come first."""
    query = select(Design).where(Design.deleted_at.is_(None))
    return keyset.fetch(session, query, [Design.id], after, limit)


def delete_design(session: Session, design_id: int) -> None:
    """Take a design out of the gallery. Raises NotFound, Conflict."""
    design = get_design(session, design_id)
    if design.key is not None:
        raise Conflict("Los diseños de Pregón no se eliminan.")
    used = select(Mailing.id).where(Mailing.design_id == design_id, Mailing.finished_at.is_(None))
    if session.execute(used.limit(1)).first() is not None:
        raise Conflict("Un envío que no ha terminado usa este diseño.")
    session.execute(update(Design).filter_by(id=design_id).values(deleted_at=clock.now()))


def set_test_error(session: Session, design_id: int, error: str | None) -> None:
    """Say on the design's page why the last test mail did not go out; None when it did."""
    session.execute(update(Design).filter_by(id=design_id).values(test_error=error))


def compile_for(session: Session, mailing: Mailing) -> making.Compiled:
    """The design of a run; of one that was deleted since, too."""
    design = session.get_one(Design, mailing.design_id)
    return making.compile_design(mailing.subject, design.html, design.text)
