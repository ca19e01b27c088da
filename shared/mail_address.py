"""A mail address as a person types it."""

from email_validator import EmailNotValidError, validate_email


def read_mail_address(text: str) -> str:
    """As it can be sent to everywhere: a domain of other letters by its ASCII name.

    Other letters before the @ need SMTPUTF8 of every server on the way, which few offer. Raises
    ValueError, in Spanish.
    """
    bare = text.strip()
    if not bare.partition("@")[0].isascii():
        raise ValueError("El correo no puede llevar tildes ni eñes antes de la arroba.")
    try:
        found = validate_email(bare, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("El correo no es válido. Ejemplo: nombre@correo.ec") from None
    return (found.ascii_email or found.normalized).lower()
