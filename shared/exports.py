"""Whether the asker may take personal data away; asked by the room before it gives any.

@query_recorded(contract.export_recipients)
def export_recipients(self, session, mailing_id, why=None, …):
    exports.check(why, trace.actor())
    return exports.shown(page, why)
"""

from typing import TypeVar

from shared import personal
from shared.contract import Actor
from shared.contracts.customer_query import CustomerPermission
from shared.contracts.exports import ExportWhy
from shared.errors import Denied

V = TypeVar("V")
MAY_NOT = "Su rol no permite descargar datos personales completos."


def check(why: ExportWhy | None, asker: Actor) -> None:
    """Raises Denied where the asker may take nothing personal away, Invalid without a reason."""
    if why is None:
        return
    if CustomerPermission.EXPORT not in asker.permissions:
        raise Denied(MAY_NOT)
    why.check()


def shown(reply: V, why: ExportWhy | None) -> V:
    """A reply that leaves as a file: whole for a reason, else as nobody in particular sees it."""
    return personal.hide(reply) if why is None else reply
