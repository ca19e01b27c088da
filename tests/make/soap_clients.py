"""Other systems that ask the bureau: as they are made, and as its door is told of them."""

import hashlib
from typing import Any

from shared.contracts.soap_clients import NewSoapClient


def new_client(name: str = "cobranzas", **changes: Any) -> NewSoapClient:
    """One with the limits that a client usually has."""
    return NewSoapClient(name=name, title="Cobranzas del Austro", **changes)


def told_client(name: str = "cobranzas", secret: str = "secreto", **changes: Any) -> dict[str, Any]:
    """One that may ask a thousand times, for `roster.write`."""
    usual = {
        "name": name,
        "secrets": [(digest(secret), None)],
        "per_minute": 1000,
        "per_day": 1000,
        "at_once": 4,
        "networks": [],
    }
    return usual | changes


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
