"""smtplib with patience: how long each step may take, and how much a server may say.

The times are those of RFC 5321, 4.5.3.2, and settings; each is for a whole answer, however many
pieces it comes in. An answer is at most 64 KB and its lines 8 KB.
"""

import smtplib
import socket
import ssl
import time
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from shared import tls
from shared.settings import settings

GOODBYE_SECONDS = 5.0  # nothing depends on it
_LINE_BYTES = 8_192
_ANSWER_BYTES = 65_536
_WORDS = 300
_READY = 220
# Authentication or encryption wanted, weak, failed, not to be had (RFC 4954, RFC 3207)
BARRING = frozenset({454, 530, 534, 535, 538})

_LATE = "no contestó a tiempo."
_CLOSED = "cerró la conexión."
_UNREACHABLE = "no acepta conexiones."
_NAMELESS = "no se encuentra por su nombre."
_UNCIPHERED = "no logró cifrar la conexión."
_NETWORK = "no se alcanza por la red."
_NOT_OFFERED = (
    "El servidor de correo no ofrece el cifrado o el inicio de sesión que pide PREGON_SMTP_URL."
)
_CERTIFICATE = "El certificado del servidor de correo no es válido: «{}»."
_ADDRESS = "La dirección del servidor de correo, PREGON_SMTP_URL, no se puede usar."
_NONSENSE = "El servidor de correo contestó algo que no es SMTP."


class BarredError(Exception):
    """The server is there and will not have us: a person has to mend that."""


class Client(smtplib.SMTP):
    """An SMTP client whose `patience` is the time for the next command and its whole answer."""

    patience = 0.0
    _unread = b""
    _ciphering = False

    def send(self, s: Any) -> None:
        """As smtplib's, within `patience`."""
        if self.sock is not None:
            self.sock.settimeout(self.patience)
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, within `patience` and a bounded length."""
        end = time.monotonic() + self.patience
        lines: list[bytes] = []
        said = 0
        while True:
            line = self._read_line(end)
            said += len(line)
            if said > _ANSWER_BYTES:
                raise smtplib.SMTPServerDisconnected(_NONSENSE)
            lines.append(line[4:].strip())
            if line[3:4] != b"-" or not line[:3].isdigit():
                break
        if self._ciphering and self._unread:  # what came in the open is not to be believed
            raise smtplib.SMTPServerDisconnected(_NONSENSE)
        return int(line[:3]) if line[:3].isdigit() else -1, b"\n".join(lines)

    def encrypt(self, context: ssl.SSLContext) -> None:
        """STARTTLS; nothing that was said before the cipher counts."""
        self._ciphering = True
        self.starttls(context=context)
        self._ciphering = False

    def _read_line(self, end: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > _LINE_BYTES or self.sock is None:
                raise smtplib.SMTPServerDisconnected(_NONSENSE)
            self.sock.settimeout(_until(end))
            part = self.sock.recv(4096)
            if not part:
                raise smtplib.SMTPServerDisconnected(_CLOSED)
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line


class _Secure(Client, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte on."""


def _until(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def connect(address: str) -> Client:
    """A connection that is greeted, encrypted and logged in; raises BarredError, ConnectionError.

    Their texts are for people: in Spanish, or the server's own words, which begin with its code.
    """
    try:
        return _greet(address)
    except smtplib.SMTPResponseException as error:
        words = error.smtp_error
        text = words_of(error.smtp_code, words if isinstance(words, bytes) else words.encode())
        if error.smtp_code in BARRING or error.smtp_code // 100 == 5:
            raise BarredError(text) from None
        raise ConnectionError(text) from None
    except ssl.SSLCertVerificationError as error:
        raise BarredError(_CERTIFICATE.format(error)) from None
    except UnicodeError:
        raise BarredError(_ADDRESS) from None
    except (OSError, ValueError) as error:
        if type(error) in (smtplib.SMTPNotSupportedError, smtplib.SMTPException):
            raise BarredError(_NOT_OFFERED) from None
        raise ConnectionError(explain(error)) from None


def _greet(address: str) -> Client:
    parts = urlsplit(address)
    host, port = host_and_port(address)
    smtp = _Secure(context=_trust()) if parts.scheme == "smtps" else Client()
    smtp.timeout = settings().smtp_connect_seconds
    smtp.patience = settings().smtp_command_seconds
    smtp._host = host  # type: ignore[attr-defined]  # the certificate is to name it
    try:
        _be_greeted(*smtp.connect(host, port))
        _hurry(smtp)
        _enter(smtp, parts)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _be_greeted(code: int, words: bytes) -> None:
    if code != _READY:
        raise smtplib.SMTPConnectError(code, words)


def _hurry(smtp: Client) -> None:
    """The last piece of a mail does not wait until the server confirms those before it."""
    if smtp.sock is not None:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _trust() -> ssl.SSLContext:
    """Read anew for each line, as certificates change; takes some 25 ms."""
    return tls.context(settings().ca_file)


def _enter(smtp: Client, parts: SplitResult) -> None:
    if parts.scheme == "smtp+starttls":
        smtp.encrypt(_trust())
    if parts.username:
        smtp.login(unquote(parts.username), unquote(parts.password or ""))
    smtp.ehlo_or_helo_if_needed()


def host_and_port(address: str) -> tuple[str, int]:
    """Where a URL of the settings leads."""
    parts = urlsplit(address)
    return parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)


def words_of(code: int, words: bytes) -> str:
    """A server's code and words on one line that can be stored and shown."""
    said = "".join(
        character if character.isprintable() else " "
        for character in words.decode(errors="replace")
    )
    text = " ".join(said.split())
    return f"{code} {text}"[:_WORDS].strip() if code >= 100 else f"{_NONSENSE} «{text[:_WORDS]}»"


def explain(error: Exception) -> str:
    """Why there is no answer, in Spanish."""
    known = next((text for kind, text in _REASONS if isinstance(error, kind)), None)
    if known is None:
        return _NONSENSE
    return f"El servidor de correo {known}"


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, _LATE),
    (ConnectionRefusedError, _UNREACHABLE),
    (socket.gaierror, _NAMELESS),
    (ssl.SSLError, _UNCIPHERED),
    (ConnectionError, _CLOSED),
    (smtplib.SMTPServerDisconnected, _CLOSED),
    (OSError, _NETWORK),
)
