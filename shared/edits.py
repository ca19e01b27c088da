"""What people edit counts its changes, so that nobody overwrites what they have not seen.

A page or a program sends the `version` it showed; the room compares it under the row's lock.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shared import clock, trace
from shared.clock import GUAYAQUIL
from shared.errors import Conflict, FieldError, Invalid

_NOBODY = "Alguien"


class Edited:
    """Columns of a table that people edit."""

    version: Mapped[int] = mapped_column(server_default="1")  # grows with each change
    changed_by: Mapped[str | None]  # as people call them; None before the first change
    changed_at: Mapped[datetime | None]


def mark(by: str | None = None) -> dict[str, Any]:
    """Who changes a row and when: the actor, or what acts for nobody in particular."""
    actor = trace.find_actor()
    return {
        "changed_by": by or (actor.full_name if actor else None),
        "changed_at": clock.now(),
    }


def refuse_stale(
    seen: int | None, row: Edited, *, thing: str, again: str, last: int | None = None
) -> None:
    """Compare the version that was seen with that of a locked row; None is not compared.

    `last` is the version of the last change where the row's grows with other news, too.
    Raises Conflict at `version` that says who changed the thing and when; Invalid for a version
    that never was.
    """
    if seen is None or (row.version if last is None else last) <= seen <= row.version:
        return
    if seen > row.version:
        raise Invalid.field("version", "Esta versión todavía no existe. Vuelva a abrir la página.")
    at = (row.changed_at or clock.now()).astimezone(GUAYAQUIL)
    text = (
        f"{row.changed_by or _NOBODY} cambió {thing} el {at:%d/%m/%Y} a las {at:%H:%M}. "
        f"Vuelva a {again} y repita su cambio."
    )
    raise Conflict(text, [FieldError("version", text)])
