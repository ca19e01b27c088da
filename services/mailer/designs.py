"""Designs: made from what somebody gives, kept, found, and compiled for sending."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import cleaning, merge, visibility
from services.mailer.models import Design, Mailing
from services.mailer.removals import IMAGE_SCHEME
from shared import clock, keyset
from shared.contract import Slice
from shared.errors import Conflict, Invalid, NotFound
from shared.settings import settings

_GAP = re.compile(r"\n{3,}")
SIZE_LIMIT = 500_000  # characters of HTML; mailbox providers cut mails off at about 100 KB


def build(
    name: str, subject: str, source: str, images: Mapping[str, str], *, own: bool = False
) -> dict[str, Any]:
    """A design's columns from its HTML; `own` is one of the product's.

    Raises Invalid on `html` or `subject`. In a door this is `workshop.build`'s to do.
    """
    merge.check(subject, field="subject")
    _check_source(source)
    cleaned = cleaning.clean(source, images, own=own)
    fields = _check_cleaned(cleaned)
    return {
        "name": name.strip(),
        "subject": subject.strip(),
        "source": source,
        "html": cleaned.html,
        "text": cleaned.text,
        "fields": fields,
        "removed": cleaned.removed,
        "image_keys": sorted(set(images.values())),
    }


def check_size(source: str) -> None:
    """Raises Invalid on `html` for one that is too large to be looked at."""
    if len(source) > SIZE_LIMIT:
        raise Invalid.field("html", f"El HTML pasa de {SIZE_LIMIT // 1000} KB. Redúzcalo.")


def _check_source(source: str) -> None:
    if "<" not in source:
        raise Invalid.field("html", "Esto no es HTML. Pegue el código o suba el archivo .html.")
    check_size(source)
    if merge.UNSUBSCRIBE not in merge.check(source):
        raise Invalid.field(
            "html",
            "Falta el enlace para darse de baja: agregue "
            '<a href="{{ enlace_baja }}">Darse de baja</a>.',
        )


def _check_cleaned(cleaned: cleaning.Cleaned) -> list[str]:
    """What cleaning has left must still be a template; entities may even have become fields."""
    try:
        merge.check(cleaned.text)
        fields = merge.check(cleaned.html)
    except Invalid:
        raise Invalid.field(
            "html",
            "Una condición {% if %} abarca solo parte de un elemento. "
            "Póngala alrededor de elementos enteros.",
        ) from None
    visibility.check_unsubscribe(cleaned.outline)
    return fields


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


@dataclass(frozen=True)
class Compiled:
    """A design ready to be filled in, many times."""

    subject: merge.Fill
    html: merge.Fill
    text: merge.Fill


@lru_cache(maxsize=64)
def compile_design(subject: str, html: str, text: str) -> Compiled:
    """Compiled once per process for each text, with images at their public address."""
    images = f"{settings().public_url.rstrip('/')}/imagenes/"
    return Compiled(
        merge.compile_text(subject),
        merge.compile_html(html.replace(f"{IMAGE_SCHEME}:", images)),
        _without_gaps(merge.compile_text(text)),
    )


def _without_gaps(fill: merge.Fill) -> merge.Fill:
    """A condition that does not hold leaves at most one empty line."""
    return lambda values: _GAP.sub("\n\n", fill(values))


def compile_for(session: Session, mailing: Mailing) -> Compiled:
    """The design of a run; of one that was deleted since, too."""
    design = session.get_one(Design, mailing.design_id)
    return compile_design(mailing.subject, design.html, design.text)
