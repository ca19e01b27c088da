"""Why somebody takes personal data away as a file; no room's own."""

from typing import Annotated

from pydantic import Field

from shared.contract import Model
from shared.errors import Invalid
from shared.words import Term

_LEAST = 10
MOST = 200


class ExportReason(Term):
    """What a file with personal data is taken away for."""

    CAMPAIGN = "campaign", "Campaña"
    AUDIT = "audit", "Auditoría"
    AUTHORITY = "authority", "Pedido de la autoridad"
    RECONCILIATION = "reconciliation", "Conciliación"
    OTHER = "other", "Otro"


class ExportWhy(Model):
    """The reason; another one than those of the list is said in words."""

    reason: ExportReason = ExportReason.OTHER
    words: Annotated[str, Field(max_length=MOST)] = ""

    @property
    def told(self) -> str:
        """As it stands on record."""
        return self.words.strip() if self.reason is ExportReason.OTHER else self.reason.word

    def check(self) -> None:
        """Raises Invalid where another reason is not said."""
        if self.reason is ExportReason.OTHER and len(self.words.strip()) < _LEAST:
            raise Invalid.field("words", f"Escriba el motivo en al menos {_LEAST} caracteres.")
