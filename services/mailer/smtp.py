"""A connection to the mail server on which at most one mail is under way.

`wire` greets, encrypts and logs in; after that each mail is one write of its commands, where the
server offers PIPELINING (RFC 2920), and one of its content.
"""

import re
import smtplib
from enum import Enum, auto
from typing import NamedTuple

from services.mailer import wire
from services.mailer.wire import BarredError
from shared.settings import settings

_USABLE = re.compile(r"[!-;=?-~]{1,64}@[!-;=?-~]{1,255}")  # printable ASCII but <, > and spaces
_GO_AHEAD = 354
_CLOSING = 421

__all__ = ["Answer", "BarredError", "Fate", "Line", "is_usable", "server_address"]


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


INTERRUPTED = Answer(
    Fate.UNKNOWN, "El envío se interrumpió mientras el servidor recibía el correo."
)
UNUSABLE = Answer(Fate.REFUSED, "La dirección no se puede usar en el correo.")


def is_usable(address: str) -> bool:
    """Whether an address can stand in an SMTP command and a header as it is."""
    return _USABLE.fullmatch(address) is not None


def server_address() -> str:
    """Which server the settings lead to, without its secrets."""
    host, port = wire.host_and_port(settings().smtp_url)
    return f"{host}:{port}"


class Line:
    """An open SMTP connection. Raises OSError for a server that is away, and BarredError."""

    def __init__(self) -> None:
        self._smtp = wire.connect(settings().smtp_url)
        self._pipelines = self._smtp.has_extn("pipelining")
        self.is_open = True

    def send(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Hand one mail over; afterwards `is_open` tells whether the line can be used again.

        Only a mail whose end was sent and not answered is `UNKNOWN`.
        """
        if not is_usable(recipient):
            return UNUSABLE
        try:
            refusal = self._offer(sender, recipient)
            if refusal is not None:
                return refusal
            self._deliver(content)
        except (OSError, smtplib.SMTPException) as error:
            return self._broken(Fate.POSTPONED, error)
        try:
            return self._judge_content(*self._hear(settings().smtp_end_seconds))
        except (OSError, smtplib.SMTPException) as error:
            return self._broken(Fate.UNKNOWN, error)

    def close(self) -> None:
        """Say goodbye; a line that is broken already is no error."""
        self.is_open = False
        try:
            self._smtp.patience = wire.GOODBYE_SECONDS
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self._smtp.close()

    def _offer(self, sender: str, recipient: str) -> Answer | None:
        """Name sender and recipient and ask to begin; None when the server waits for the mail."""
        commands = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"]
        answers = self._ask(commands)
        refused = next((n for n, (code, _) in enumerate(answers) if not _is_yes(n, code)), None)
        if refused is None:
            return None
        answer = self._judge(*answers[refused])
        self._start_over(gone_ahead=len(answers) == 3 and answers[-1][0] == _GO_AHEAD)
        return self._judge_sender(answer) if refused == 0 else answer

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
        answers: list[tuple[int, bytes]] = []
        if self._pipelines:
            self._smtp.patience = settings().smtp_command_seconds
            self._smtp.send("".join(f"{command}\r\n" for command in commands))
        for number, command in enumerate(commands):
            try:
                answers.append(self._ask_one(command))
            except (OSError, smtplib.SMTPException):
                if all(_is_yes(n, code) for n, (code, _) in enumerate(answers)):
                    raise
                self._drop()
            refused = not _is_yes(number, answers[-1][0])
            if not self.is_open or answers[-1][0] == _CLOSING or (refused and not self._pipelines):
                break
        return answers

    def _ask_one(self, command: str) -> tuple[int, bytes]:
        begins = command == "DATA"
        seconds = settings().smtp_data_seconds if begins else settings().smtp_command_seconds
        self._smtp.patience = seconds
        if self._pipelines:
            return self._smtp.getreply()
        return self._smtp.docmd(command)

    def _hear(self, seconds: float) -> tuple[int, bytes]:
        self._smtp.patience = seconds
        return self._smtp.getreply()

    def _start_over(self, *, gone_ahead: bool) -> None:
        """Leave the refused mail behind; a line that breaks over it is only broken."""
        if not self.is_open:
            return
        try:
            self._smtp.patience = settings().smtp_command_seconds
            if gone_ahead:
                self._smtp.send(b".\r\n")  # it waits for a mail to nobody: an empty one (RFC 2920)
                self._smtp.getreply()
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _deliver(self, content: bytes) -> None:
        """The content with dots doubled at line starts, and the lone dot that ends it.

        Where this breaks, the end was not sent, so the server has no whole mail.
        """
        self._smtp.patience = settings().smtp_block_seconds
        self._smtp.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")

    def _judge(self, code: int, words: bytes) -> Answer:
        """A refusal; after an answer that does not fit the command nothing more can be said."""
        if code == _CLOSING or code // 100 not in (4, 5):
            self._drop()
        if code in wire.BARRING:
            return Answer(Fate.BARRED, wire.words_of(code, words))
        fate = Fate.REFUSED if code // 100 == 5 else Fate.POSTPONED
        return Answer(fate, wire.words_of(code, words))

    def _judge_content(self, code: int, words: bytes) -> Answer:
        if code // 100 == 2:
            return Answer(Fate.ACCEPTED, wire.words_of(code, words))
        answer = self._judge(code, words)
        return answer if code // 100 in (4, 5) else answer._replace(fate=Fate.UNKNOWN)

    def _broken(self, fate: Fate, error: Exception) -> Answer:
        self._drop()
        return Answer(fate, f"Se cortó la conexión. {wire.explain(error)}")

    def _drop(self) -> None:
        self.is_open = False
        self._smtp.close()


def _is_yes(number: int, code: int) -> bool:
    """Whether MAIL, RCPT and DATA, in this order, were answered with what lets a mail go on."""
    return code // 100 == 2 if number < 2 else code == _GO_AHEAD
