"""risk_central's loads in its database."""

from services.risk_central.models import Load, LoadMapping, LoadReject
from shared.contracts import risk_central as contract
from shared.loads.ledger import Ledger

ledger = Ledger("risk_central", Load, LoadReject, LoadMapping)


def to_contract(load: Load) -> contract.Load:
    """The load as others may see it."""
    return contract.Load(**{name: getattr(load, name) for name in contract.Load.model_fields})
