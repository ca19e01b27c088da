"""A connection to the mail server on which at most one mail is under way.

smtplib greets, encrypts and logs in; after that each mail is one write of its commands, where the
server offers PIPELINING (RFC 2920), and one of its content.
"""

import smtplib
import ssl
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from shared.settings import settings

TIMEOUT_SECONDS = 15.0
_ANSWER_LENGTH = 300
_GO_AHEAD = 354
_CLOSING = 421


class Fate(Enum):
    """What the server's answer means for the mail."""

    ACCEPTED = auto()
    REFUSED = auto()  # for good (5xx)
    POSTPONED = auto()  # for now (4xx)
    NOT_SENT = auto()  # the connection broke before the content was handed over
    UNKNOWN = auto()  # it broke afterwards: the server may have taken it


class Answer(NamedTuple):
    """A mail's fate and the server's words."""

    fate: Fate
    text: str


UNUSABLE = Answer(Fate.REFUSED, "La dirección no se puede usar en el correo.")


def is_usable(address: str) -> bool:
    """Whether an address can stand in an SMTP command and a header as it is."""
    return address.isascii() and not any(character in address for character in "<>\r\n ")


class Line:
    """An open SMTP connection. Raises OSError where it cannot be opened."""

    def __init__(self) -> None:
        self._smtp = _connect(settings().smtp_url)
        self._pipelines = self._smtp.has_extn("pipelining")
        self.is_open = True

    def send(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Hand one mail over; afterwards `is_open` tells whether the line can be used again."""
        try:
            refusal = self._offer(sender, recipient)
        except (OSError, smtplib.SMTPException) as error:
            return self._broken(Fate.NOT_SENT, error)
        if refusal is not None:
            return refusal
        try:
            return self._judge(*self._deliver(content))
        except (OSError, smtplib.SMTPException) as error:
            return self._broken(Fate.UNKNOWN, error)

    def close(self) -> None:
        """Say goodbye; a line that is broken already is no error."""
        self.is_open = False
        try:
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()

    def _offer(self, sender: str, recipient: str) -> Answer | None:
        """Name sender and recipient and ask to begin; None when the server waits for the mail."""
        commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"]
        answers = self._ask_together(commands) if self._pipelines else self._ask_each(commands)
        refused = next((answer for answer in answers if answer[0] // 100 not in (2, 3)), None)
        if refused is None:
            return None
        if len(answers) == len(commands) and answers[-1][0] == _GO_AHEAD:
            self._smtp.send(b".\r\n")  # it waits for a mail to nobody: an empty one (RFC 2920)
            self._smtp.getreply()
        answer = self._judge(*refused)
        if self.is_open:
            self._smtp.rset()
        return answer

    def _ask_together(self, commands: list[str]) -> list[tuple[int, bytes]]:
        self._smtp.send("".join(f"{command}\r\n" for command in commands))
        return [self._smtp.getreply() for _ in commands]

    def _ask_each(self, commands: list[str]) -> list[tuple[int, bytes]]:
        answers = []
        for command in commands:
            answers.append(self._smtp.docmd(command))
            if answers[-1][0] // 100 not in (2, 3):
                break
        return answers

    def _deliver(self, content: bytes) -> tuple[int, bytes]:
        """The content with dots doubled at line starts, and the lone dot that ends it."""
        self._smtp.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self._smtp.getreply()

    def _judge(self, code: int, words: bytes) -> Answer:
        text = f"{code} {words.decode('utf-8', 'replace')}"[:_ANSWER_LENGTH].replace("\n", " ")
        if code == _CLOSING:
            self.close()
        if code // 100 == 2:
            return Answer(Fate.ACCEPTED, text)
        return Answer(Fate.REFUSED if code // 100 == 5 else Fate.POSTPONED, text)

    def _broken(self, fate: Fate, error: Exception) -> Answer:
        self.is_open = False
        self._smtp.close()
        return Answer(fate, f"Se cortó la conexión con el servidor de correo: {error}")


def _connect(address: str) -> smtplib.SMTP:
    parts = urlsplit(address)
    host, port = parts.hostname or "localhost", parts.port
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if parts.scheme == "smtps":
        smtp = smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_SECONDS)
    if parts.scheme == "smtp+starttls":
        smtp.starttls(context=context)
    if parts.username:
        smtp.login(unquote(parts.username), unquote(parts.password or ""))
    smtp.ehlo_or_helo_if_needed()
    return smtp
