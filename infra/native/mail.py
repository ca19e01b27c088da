"""The mail catch-all: takes every mail of a demo or a test, delivers none."""

import smtplib
from urllib.parse import urlsplit

from infra.native.programs import Program
from infra.native.run import Run
from shared import tls


def url(run: Run) -> str:
    """Where the catch-all will answer."""
    return f"smtp://127.0.0.1:{run.generated.port('mail')}"


def check(url: str, ca_file: str = "") -> None:
    """Have the server greet. Raises an error whose text says what is wrong."""
    server = urlsplit(url)
    where = (server.hostname or "", server.port or (465 if server.scheme == "smtps" else 25))
    trust = tls.context(ca_file)
    with (
        smtplib.SMTP_SSL(*where, timeout=2, context=trust)
        if server.scheme == "smtps"
        else smtplib.SMTP(*where, timeout=2) as smtp
    ):
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=trust)
        smtp.noop()


def prepare(run: Run) -> Program:
    """The catch-all, with its Maildir in the run directory."""
    environment = {
        "PREGON_MAIL_CATCHER_PORT": str(run.generated.port("mail")),
        "PREGON_MAIL_CATCHER_DIR": str(run.path / "mail"),
    }
    return Program("mail", ("python", "-m", "infra.mailcatcher"), environment)
