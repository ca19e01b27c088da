"""The mail catch-all: takes every mail of a demo or a test, delivers none."""

import smtplib
from urllib.parse import urlsplit

from infra.native.programs import Program
from infra.native.run import Run


def url(run: Run) -> str:
    """Where the catch-all will answer."""
    return f"smtp://127.0.0.1:{run.generated.port('mail')}"


def check(url: str) -> None:
    """Have the server greet. Raises an error whose text says what is wrong."""
    server = urlsplit(url)
    secure = server.scheme == "smtps"
    connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with connect(server.hostname or "", server.port or (465 if secure else 25), timeout=2) as smtp:
        smtp.noop()


def prepare(run: Run) -> Program:
    """The catch-all, with its Maildir in the run directory."""
    environment = {
        "PREGON_MAIL_CATCHER_PORT": str(run.generated.port("mail")),
        "PREGON_MAIL_CATCHER_DIR": str(run.path / "mail"),
    }
    return Program("mail", ("python", "-m", "infra.mailcatcher"), environment)
