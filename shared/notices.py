"""Telling users what came of what they began: a line behind the bell on every page."""

from sqlalchemy.orm import Session

from shared import outbox
from shared.contracts.identity import NoticeRequested, Role


def send(
    session: Session,
    to: str | Role,
    reference: str,
    title: str,
    *,
    detail: str = "",
    link: str = "",
) -> None:
    """Tell a user, or all of a role, when this transaction commits; once for each reference.

    `link` is the path of a page. The system itself, and users who are gone, are told nothing.
    """
    role = to if isinstance(to, Role) else None
    event = NoticeRequested(
        reference=reference,
        usernames=[] if role else [to],
        role=role,
        title=title,
        detail=detail,
        link=link,
    )
    outbox.add(session, event)
