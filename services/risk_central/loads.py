"""risk_central's loads in its database."""

from services.risk_central.models import Load, LoadMapping, LoadReject
from shared.loads.ledger import Ledger

ledger = Ledger("risk_central", Load, LoadReject, LoadMapping)
