"""In which encoding a text file was written, and what stands between its columns."""

import codecs
import csv
import re
from typing import IO

_BLOCK = 1 << 20
_SEPARATORS = ",;\t|"
_TOLD = {*_SEPARATORS, ":", "^", "~"}  # by Excel's own line
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as `surrogateescape` has them
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Letters of Spanish beside a letter: in the other code page they are signs, or letters of others.
_LETTERS = "áéíóúüñÁÉÍÓÚÜÑ"
_BESIDE = rb"(?<=[A-Za-z])[%(letters)s]|[%(letters)s](?=[A-Za-z])"
_PAGES = {
    page: re.compile(_BESIDE % {b"letters": _LETTERS.encode(page)})
    for page in ("cp1252", "mac_roman")
}


def encoding_of(stream: IO[bytes]) -> str | None:
    """BOM, then UTF-8 or the likelier code page of the whole file; None: it is no text.

    A file in UTF-8 with a few bytes that are none stays one: its other letters would be lost.

    Leaves the stream at its beginning.
    """
    head = stream.read(_BLOCK)
    stream.seek(0)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if b"\x00" in head:
        return _without_bom(head)
    try:
        return _code_page(stream)
    finally:
        stream.seek(0)


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is text, as far as its beginning tells."""
    has_mark = any(head.startswith(bom) for bom, _ in _BOMS)
    return has_mark or b"\x00" not in head or _without_bom(head) is not None


def _without_bom(head: bytes) -> str | None:
    """UTF-16 of mostly Latin letters has a zero in every second place."""
    even, odd = head[::2], head[1::2]
    for encoding, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.7 * len(zeros) and 0 not in letters:
            return encoding
    return None


def _code_page(stream: IO[bytes]) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters, foreign, page = 0, 0, None
    while block := stream.read(_BLOCK):
        text = decoder.decode(block)
        wrong = len(_FOREIGN.findall(text)) if not text.isascii() else 0
        letters += max(0, len(block) - len(text))  # a letter of two bytes saves one
        foreign += wrong
        page = page or (_likelier(block) if wrong else None)
    foreign += len(decoder.decode(b"", final=True))
    return "utf-8" if foreign <= letters else page or "cp1252"


def _likelier(block: bytes) -> str:
    counts = {page: len(letters.findall(block)) for page, letters in _PAGES.items()}
    return max(counts, key=lambda page: counts[page])  # of equals, the first


def legible(text: str) -> str:
    """A text of a file as it can be kept: bytes that are no UTF-8 as Windows would show them."""
    return _UNSTORABLE.sub("\ufffd", _FOREIGN.sub(_of_windows, text))


def _of_windows(found: re.Match[str]) -> str:
    return found[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def separator_of(head: str) -> str:
    """The character that cuts the first line into the most cells; Excel's `sep=` says it."""
    line, *others = head.lstrip("\ufeff\r\n").splitlines() or [""]
    if line.lower().startswith("sep="):
        if line[4:] in _TOLD:
            return line[4]
        line = others[0] if others else ""
    return max(_SEPARATORS, key=lambda sign: len(next(csv.reader([line], delimiter=sign), [])))
