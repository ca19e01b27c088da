"""identity's lists: what users keep of them, their columns and their searches."""

from typing import Annotated

from pydantic import Field

from shared.contract import Id, Line, Model, Whole, procedure
from shared.scope import SELF

MOST_VIEWS = 30  # of a user, of one list
SIZES = (25, 50, 100, 200)  # rows of a page
ListCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
ColumnName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
Size = Annotated[Whole, Field(ge=SIZES[0], le=SIZES[-1])]


class ListView(Model):
    """A search with a name."""

    id: int
    name: str
    query: str  # as the page's address has it
    shared: bool  # others have it, too
    own: bool
    by: str  # who keeps it, as people call them


class ListChoice(Model):
    """How a user sees a list; no columns and no size: as it comes."""

    columns: list[str] = []
    size: int | None = None
    views: list[ListView] = []


class NewListView(Model):
    """A search to keep."""

    name: Annotated[Line, Field(min_length=1, max_length=60)]
    query: Annotated[str, Field(max_length=1000)] = ""
    shared: bool = False


@procedure("identity", scope=SELF)
def get_list_choice(code: ListCode) -> ListChoice:
    """Get how the actor sees a list, with the actor's searches and those that others share."""


@procedure("identity", scope=SELF, in_person=True)
def set_list_choice(
    code: ListCode,
    columns: Annotated[list[ColumnName], Field(max_length=60)],
    size: Size | None = None,
) -> None:
    """Keep how the actor sees a list; without columns it is seen as it comes."""


@procedure("identity", scope=SELF, in_person=True)
def create_list_view(code: ListCode, new: NewListView) -> ListView:
    """Keep a search; one of the actor's with that name becomes this one.

    Conflict: the actor keeps 30 of that list.
    """


@procedure("identity", scope=SELF, in_person=True)
def delete_list_view(view_id: Id) -> None:
    """Forget one of the actor's searches.

    NotFound: the actor keeps none of that number.
    """
