"""What the bureau answers, whichever way it was asked; a refusal carries its SOAP fault code."""

from collections.abc import Sequence

from redis import Redis

from services.risk_central import rules, store
from shared.contracts.risk_central import RiskReport
from shared.ecuador.cedula import normalise_cedula


class RefusalError(Exception):
    """An answer to a wrong question; `code` is a fault of the WSDL, `message` is Spanish."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code, message)


def get_risk_by_cedula(
    redis: Redis, cedula: str | None, reading: store.Read = store.read
) -> RiskReport:
    """One person. Raises RefusalError (InvalidCedula, NotFound) and RedisError."""
    number = _checked(cedula)
    report = store.find_risk(redis, number, reading)
    if report is None:
        raise RefusalError("Client.NotFound", f"La central no conoce la cédula {number}.")
    return report


def find_risk_by_name(redis: Redis, name: str | None, limit: int | None) -> list[RiskReport]:
    """Homonyms, best first. Raises RefusalError (InvalidName) and RedisError."""
    try:
        asked, most = rules.parse_name(name), rules.check_limit(limit)
    except ValueError as error:
        raise RefusalError("Client.InvalidName", str(error)) from None
    return store.find_by_name(redis, asked, most)


def get_risks(
    redis: Redis, cedulas: Sequence[str | None] | None, reading: store.Read = store.read
) -> list[RiskReport]:
    """Those known, each once, in the order asked.

    Raises RefusalError (TooMany, InvalidCedula) and RedisError.
    """
    asked = cedulas or ()
    if len(asked) > rules.MAX_CEDULAS:
        message = f"Se aceptan hasta {rules.MAX_CEDULAS} cédulas por consulta: divida la lista."
        raise RefusalError("Client.TooMany", message)
    numbers = list(dict.fromkeys(_checked(cedula) for cedula in asked))
    return store.list_risks(redis, numbers, reading=reading) if numbers else []


def _checked(cedula: str | None) -> str:
    try:
        return normalise_cedula(cedula or "")
    except ValueError as error:
        shown = f"«{cedula.strip()[:20]}»: " if cedula else ""
        raise RefusalError("Client.InvalidCedula", f"{shown}{error}") from None
