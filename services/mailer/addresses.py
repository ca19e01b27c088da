"""The check of an address that somebody types, the same as of a customer's."""

from email_validator import EmailNotValidError, validate_email

from services.mailer.smtp import is_usable
from shared.errors import Invalid

_WRONG = "Escriba una dirección de correo como ana@correo.ec."


def check(email: str) -> str:
    """The address as it is written to. Raises Invalid on `email`."""
    try:
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Invalid.field("email", _WRONG) from None
    address = found.ascii_email or ""
    if not is_usable(address):
        raise Invalid.field("email", _WRONG)
    return address
