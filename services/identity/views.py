"""What users keep of lists, and its SQL."""

from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identity.models import ListChoice, ListView, User
from shared.contracts import identity as contract
from shared.contracts.views import MOST_VIEWS
from shared.errors import Conflict, NotFound


def get_choice(session: Session, user_id: int, code: str) -> contract.ListChoice:
    """Two statements, both by primary key or its like."""
    chosen = session.get(ListChoice, (user_id, code))
    return contract.ListChoice(
        columns=chosen.columns if chosen else [],
        size=chosen.size if chosen else None,
        views=_list_views(session, user_id, code),
    )


def _list_views(session: Session, user_id: int, code: str) -> list[contract.ListView]:
    """One's own before those that others share."""
    seen = or_(ListView.user_id == user_id, ListView.shared)
    own = ListView.user_id == user_id
    query = select(ListView, User.full_name).join(User, User.id == ListView.user_id)
    found = session.execute(
        query.where(ListView.code == code, seen).order_by(own.desc(), ListView.name, ListView.id)
    )
    return [_to_contract(view, by, user_id) for view, by in found]


def set_choice(
    session: Session, user_id: int, code: str, columns: list[str], size: int | None
) -> None:
    """In the place of what was chosen before."""
    values = {"columns": columns, "size": size}
    chosen = insert(ListChoice).values(user_id=user_id, code=code, **values)
    session.execute(chosen.on_conflict_do_update(index_elements=["user_id", "code"], set_=values))


def set_view(
    session: Session, user_id: int, code: str, new: contract.NewListView
) -> contract.ListView:
    """A new one, or the one of that name. Raises Conflict."""
    values: dict[str, Any] = {"query": new.query, "shared": new.shared}
    made = insert(ListView).values(user_id=user_id, code=code, name=new.name, **values)
    made = made.on_conflict_do_update(index_elements=["code", "user_id", "name"], set_=values)
    view = session.execute(made.returning(ListView)).scalar_one()
    _refuse_more(session, user_id, code)
    return _to_contract(view, "", user_id)


def _refuse_more(session: Session, user_id: int, code: str) -> None:
    kept = select(func.count()).where(ListView.user_id == user_id, ListView.code == code)
    if session.execute(kept).scalar_one() > MOST_VIEWS:
        raise Conflict(f"Ya guarda {MOST_VIEWS} vistas de esta lista. Elimine alguna.")


def delete_view(session: Session, user_id: int, view_id: int) -> None:
    """One of the user's. Raises NotFound, also for another's."""
    gone = delete(ListView).where(ListView.id == view_id, ListView.user_id == user_id)
    if session.execute(gone.returning(ListView.id)).first() is None:
        raise NotFound("La vista no existe.")


def _to_contract(view: ListView, by: str, user_id: int) -> contract.ListView:
    return contract.ListView(
        id=view.id,
        name=view.name,
        query=view.query,
        shared=view.shared,
        own=view.user_id == user_id,
        by=by,
    )
