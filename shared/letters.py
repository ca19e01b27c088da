"""Telling a person something about their own affairs by mail: a letter, which the mailer sends."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from shared import outbox
from shared.contracts.mailer import Addressee, LetterRequested, LetterTemplate


def send(
    session: Session,
    template: LetterTemplate,
    *,
    to: Addressee,
    fields: Mapping[str, str],
    reference: str,
) -> None:
    """Ask for a letter when this transaction commits; once for each reference, over all rooms.

    Raises Invalid when the fields are not the template's.
    """
    template.check(fields)
    event = LetterRequested(template=template, person=to, fields=dict(fields), reference=reference)
    outbox.add(session, event)
