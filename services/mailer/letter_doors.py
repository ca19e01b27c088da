"""The doors of mailer for letters, and what other rooms ask by event."""

from sqlalchemy.orm import Session

from services.mailer import letters
from shared import audit
from shared.contracts import mailer as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.events import on_event
from shared.room import Room
from shared.rpc import command


class LetterDoors(Room):
    """One mail to one person about their own affairs."""

    @command(contract.send_notice)
    def send_notice(
        self,
        session: Session,
        template: contract.LetterTemplate,
        person: contract.Addressee,
        fields: dict[str, str],
        reference: str,
    ) -> contract.Letter:
        letter = letters.insert_letter(session, template, person, fields, reference)
        audit.record(session, AuditAction.SENT, AuditKind.LETTER, template)
        return contract.Letter.model_validate(letter)

    @on_event(contract.LetterRequested)
    def on_letter_requested(self, session: Session, event: contract.LetterRequested) -> None:
        """The same for whoever is in a transaction; once for each reference, whoever asks."""
        letters.insert_letter(session, event.template, event.person, event.fields, event.reference)
