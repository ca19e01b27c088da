"""An action on many rows of a list, each by itself.

return for_each(session, user_ids, partial(self._end, session), partial(store.name_of, session))
"""

from collections.abc import Callable, Iterable

from sqlalchemy.orm import Session

from shared.errors import PregonError
from shared.lists import Done, Refused


def for_each(
    session: Session, ids: Iterable[int], act: Callable[[int], None], label: Callable[[int], str]
) -> Done:
    """Act on each row; one that is refused takes nothing from the others.

    `label` says which it was, of those that were refused. In the order of the numbers, so that two
    who act on the same rows wait for each other and never for ever.
    """
    done, refused = 0, []
    for row_id in sorted(set(ids)):
        try:
            with session.begin_nested():
                act(row_id)
        except PregonError as error:
            refused.append(Refused(id=row_id, label=label(row_id), reason=error.message))
        else:
            done += 1
    return Done(done=done, refused=refused)
