"""The bytes of one mail, put together without `email.message`, which takes a millisecond each.

multipart/alternative, text first, both parts quoted-printable, lines end in CRLF, dots not yet
doubled.
"""

import quopri
import re
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID, uuid5

from services.mailer import merge, tokens, wording
from services.mailer.making import Compiled
from services.mailer.merge import Person
from services.mailer.models import ServiceMail
from shared import clock
from shared.settings import settings

_NEWLINE = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HEADER_LINE = 76
_FOLD = "\r\n "


@dataclass(frozen=True)
class Circular:
    """What is the same in every mail of a run."""

    design: Compiled
    campaign: str
    mailing_id: int
    transfer_id: UUID


def sender_address() -> str:
    """The bare address of the sender, for the envelope."""
    return parseaddr(settings().mail_from)[1]


def compose(circular: Circular, person: Person, customer_id: int, address: str) -> bytes:
    """One person's mail; the same person's in the same run has the same Message-ID."""
    link = tokens.Link(circular.mailing_id, customer_id)
    url = tokens.url(link)
    values = merge.values_of(person, campaign=circular.campaign, unsubscribe_url=url)
    name = values["nombre_completo"]
    return _assemble(
        subject=circular.design.subject(values),
        to=(name, address),
        message_id=uuid5(circular.transfer_id, tokens.sign(link)).hex,
        text=circular.design.text(values),
        html=circular.design.html(values),
        headers=_of_list(url),
    )


def compose_letter(letter: ServiceMail, address: str) -> bytes:
    """A letter; it comes from no list and cannot be unsubscribed from."""
    made = f"{letter.reference} {letter.created_at.isoformat()}"
    text = wording.text(letter)
    return _assemble(
        subject=letter.template.word,
        to=(wording.one_line(letter.full_name), address),
        message_id=uuid5(NAMESPACE_URL, made).hex,
        text=text,
        html=wording.html(letter.template.word, text, wording.link(letter)),
    )


def compose_test(design: Compiled, address: str, message_id: str) -> bytes:
    """A design filled in for the example person; its unsubscribe link works and changes nothing."""
    url = tokens.url(tokens.TEST)
    values = merge.EXAMPLE | {merge.UNSUBSCRIBE: url}
    return _assemble(
        subject=f"[Prueba] {design.subject(values)}",
        to=("", address),
        message_id=message_id,
        text=design.text(values),
        html=design.html(values),
        headers=_of_list(url),
    )


def _of_list(unsubscribe_url: str) -> tuple[str, ...]:
    return (
        f"List-Unsubscribe: <{unsubscribe_url}>,\r\n <mailto:{sender_address()}?subject=baja>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-Id: <{sender_address().replace('@', '.')}>",
        "Precedence: bulk",
    )


def _assemble(
    *,
    subject: str,
    to: tuple[str, str],
    message_id: str,
    text: str,
    html: str,
    headers: tuple[str, ...] = (),
) -> bytes:
    sender = sender_address()
    boundary = f"=_{message_id}"
    lines = (
        _from_line(settings().mail_from),
        _address_line("To", *to),
        f"Subject: {_encoded(subject, 'Subject')}",
        f"Date: {format_datetime(clock.now())}",
        f"Message-ID: <{message_id}@{sender.rpartition('@')[2]}>",
        *headers,
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    )
    return b"".join(
        (
            "\r\n".join(lines).encode("ascii"),
            _part(boundary, "plain", text),
            _part(boundary, "html", html),
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
    )


def _part(boundary: str, kind: str, content: str) -> bytes:
    """A body part; its content ends in a line end, from which the encoder learns to write CRLF."""
    lines = _NEWLINE.sub("\r\n", content.rstrip() + "\n")
    head = (
        f"\r\n\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode("ascii") + quopri.encodestring(lines.encode())


@lru_cache
def _from_line(mail_from: str) -> str:
    return _address_line("From", *parseaddr(mail_from))


def _address_line(header: str, name: str, address: str) -> str:
    """A name is an atom, quoted where it has signs, or encoded words; the address may go below."""
    if not name:
        return f"{header}: {address}"
    phrase = formataddr((name, ""))[:-3] if _is_short(name, header) else _words(name, header)
    last = phrase.rpartition("\n")[2]
    room = _HEADER_LINE - len(address) - 3 - (0 if "\n" in phrase else len(header) + 2)
    return f"{header}: {phrase}{' ' if len(last) <= room else _FOLD}<{address}>"


def _encoded(text: str, header: str) -> str:
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if _is_short(line, header) else _words(line, header)


def _is_short(text: str, header: str) -> bool:
    fits = len(text) < _HEADER_LINE - len(header)
    return fits and text.isascii() and text.isprintable() and "=?" not in text


def _words(text: str, header: str) -> str:
    """Encoded words of RFC 2047: 75 characters each at most, a line each."""
    return Header(text, "utf-8", _HEADER_LINE, header).encode(linesep="\r\n")
