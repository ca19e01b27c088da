"""The doors of identity for what users keep of lists."""

from sqlalchemy.orm import Session

from services.identity import views
from shared import trace
from shared.contracts import identity as contract
from shared.room import Room
from shared.rpc import command, query


class ViewDoors(Room):
    """Columns and searches of one's own; nothing of it is anybody's data."""

    @query(contract.get_list_choice)
    def get_list_choice(self, session: Session, code: str) -> contract.ListChoice:
        return views.get_choice(session, trace.actor().user_id, code)

    @command(contract.set_list_choice)
    def set_list_choice(
        self, session: Session, code: str, columns: list[str], size: int | None = None
    ) -> None:
        views.set_choice(session, trace.actor().user_id, code, columns, size)

    @command(contract.create_list_view)
    def create_list_view(
        self, session: Session, code: str, new: contract.NewListView
    ) -> contract.ListView:
        return views.set_view(session, trace.actor().user_id, code, new)

    @command(contract.delete_list_view)
    def delete_list_view(self, session: Session, view_id: int) -> None:
        views.delete_view(session, trace.actor().user_id, view_id)
