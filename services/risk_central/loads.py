"""risk_central's loads in its database."""

from services.risk_central.models import Load, LoadMapping, LoadReject
from shared.contracts.risk_central import LoadMoved
from shared.loads.ledger import Ledger

ledger = Ledger(
    "risk_central",
    Load,
    LoadReject,
    LoadMapping,
    moved=lambda load_id: LoadMoved(load_id=load_id),
    page="/central-de-riesgos/cargas",
)
