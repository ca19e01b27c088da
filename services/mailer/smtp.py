"""A connection to the mail server on which at most one mail is under way.

smtplib greets, encrypts and logs in; after that each mail is one write of its commands, where the
server offers PIPELINING (RFC 2920), and one of its content.
"""

import smtplib
import ssl
import time
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from shared.settings import settings

TIMEOUT_SECONDS = 15.0  # to take the commands of a mail, and again to take its content
_ANSWER_LENGTH = 300
_GO_AHEAD = 354
_CLOSING = 421
# Authentication or encryption wanted, weak, failed, not to be had (RFC 4954, RFC 3207)
_BARRING = frozenset({454, 530, 534, 535, 538})


class Fate(Enum):
    """What the server's answer means for the mail."""

    ACCEPTED = auto()
    REFUSED = auto()  # for good (5xx)
    POSTPONED = auto()  # for now: 4xx, or the line broke before the content was handed over
    BARRED = auto()  # the server takes no mail of ours, whoever it is for
    UNKNOWN = auto()  # the line broke after the content: the server may have taken it


class Answer(NamedTuple):
    """A mail's fate and the server's words."""

    fate: Fate
    text: str


class BarredError(Exception):
    """The server is there and will not have us: a person has to mend that."""


INTERRUPTED = Answer(
    Fate.UNKNOWN, "El envío se interrumpió mientras el servidor recibía el correo."
)
UNUSABLE = Answer(Fate.REFUSED, "La dirección no se puede usar en el correo.")


def is_usable(address: str) -> bool:
    """Whether an address can stand in an SMTP command and a header as it is."""
    return address.isascii() and not any(character in address for character in "<>\r\n ")


def server_address() -> str:
    """Which server the settings lead to, without its secrets."""
    host, port = _host_and_port(settings().smtp_url)
    return f"{host}:{port}"


class Line:
    """An open SMTP connection. Raises OSError for a server that is away, and BarredError."""

    def __init__(self) -> None:
        self._smtp = _connect(settings().smtp_url)
        self._pipelines = self._smtp.has_extn("pipelining")
        self.is_open = True

    def send(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Hand one mail over; afterwards `is_open` tells whether the line can be used again."""
        try:
            refusal = self._offer(sender, recipient)
        except (OSError, smtplib.SMTPException) as error:
            return self._broken(Fate.POSTPONED, error)
        if refusal is not None:
            return refusal
        try:
            return self._judge(*self._deliver(content), otherwise=Fate.UNKNOWN)
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
        answers = self._ask(commands)
        refused = next(
            (n for n, (code, _) in enumerate(answers) if code // 100 not in (2, 3)), None
        )
        if refused is None:
            return None
        answer = self._judge(*answers[refused])
        if refused == 0:
            answer = self._judge_sender(answer)
        self._start_over(gone_ahead=len(answers) == 3 and answers[-1][0] == _GO_AHEAD)
        return answer

    def _judge_sender(self, answer: Answer) -> Answer:
        """Every mail of ours has this sender: what it is refused for is not the recipient."""
        if answer.fate is Fate.REFUSED:
            return answer._replace(fate=Fate.BARRED)
        self.close()  # nor will the server take the next one now
        return answer

    def _ask(self, commands: list[str]) -> list[tuple[int, bytes]]:
        """The answers up to the first refusal or, of commands sent together, to all of them.

        A line that breaks after a refusal is broken, and the refusal stands.
        """
        end = time.monotonic() + TIMEOUT_SECONDS
        answers: list[tuple[int, bytes]] = []
        if self._pipelines:
            self._smtp.send("".join(f"{command}\r\n" for command in commands))
        for command in commands:
            try:
                answers.append(self._ask_one(command, end))
            except (OSError, smtplib.SMTPException):
                if all(code // 100 in (2, 3) for code, _ in answers):
                    raise
                self._drop()
            refused = answers[-1][0] // 100 not in (2, 3)
            if not self.is_open or answers[-1][0] == _CLOSING or (refused and not self._pipelines):
                break
        return answers

    def _ask_one(self, command: str, end: float) -> tuple[int, bytes]:
        self._allow(end - time.monotonic())
        if self._pipelines:
            return self._smtp.getreply()
        return self._smtp.docmd(command)

    def _start_over(self, *, gone_ahead: bool) -> None:
        """Leave the refused mail behind; a line that breaks over it is only broken."""
        if not self.is_open:
            return
        try:
            self._allow(TIMEOUT_SECONDS)
            if gone_ahead:
                self._smtp.send(b".\r\n")  # it waits for a mail to nobody: an empty one (RFC 2920)
                self._smtp.getreply()
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _deliver(self, content: bytes) -> tuple[int, bytes]:
        """The content with dots doubled at line starts, and the lone dot that ends it."""
        self._allow(TIMEOUT_SECONDS)
        self._smtp.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return self._smtp.getreply()

    def _judge(self, code: int, words: bytes, otherwise: Fate = Fate.POSTPONED) -> Answer:
        """`otherwise` is the fate of a mail whose answer is none that SMTP knows."""
        if code == _CLOSING:
            self._drop()
        if code in _BARRING:
            return Answer(Fate.BARRED, _text(code, words))
        fates = {2: Fate.ACCEPTED, 4: Fate.POSTPONED, 5: Fate.REFUSED}
        return Answer(fates.get(code // 100, otherwise), _text(code, words))

    def _allow(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(max(0.01, seconds))

    def _broken(self, fate: Fate, error: Exception) -> Answer:
        self._drop()
        return Answer(fate, f"Se cortó la conexión con el servidor de correo: {error}")

    def _drop(self) -> None:
        self.is_open = False
        self._smtp.close()


def _text(code: int, words: bytes) -> str:
    return f"{code} {words.decode('utf-8', 'replace')}"[:_ANSWER_LENGTH].replace("\n", " ")


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)


def _connect(address: str) -> smtplib.SMTP:
    try:
        return _greet(address)
    except smtplib.SMTPResponseException as error:
        words = error.smtp_error
        text = _text(error.smtp_code, words if isinstance(words, bytes) else words.encode())
        if error.smtp_code in _BARRING or error.smtp_code // 100 == 5:
            raise BarredError(text) from None
        raise ConnectionError(text) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError, UnicodeError) as error:
        raise BarredError(str(error)) from None


def _greet(address: str) -> smtplib.SMTP:
    parts = urlsplit(address)
    host, port = _host_and_port(address)
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if parts.scheme == "smtps":
        smtp = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        _enter(smtp, parts, context)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _enter(smtp: smtplib.SMTP, parts: SplitResult, context: ssl.SSLContext) -> None:
    if parts.scheme == "smtp+starttls":
        smtp.starttls(context=context)
    if parts.username:
        smtp.login(unquote(parts.username), unquote(parts.password or ""))
    smtp.ehlo_or_helo_if_needed()
