"""An XLSX before it is opened: how large it is unpacked, and how far its cells reach.

The library that reads it holds a sheet as a rectangle in memory and copies a text into every cell
that shows it, so a file of a kilobyte may ask for terabytes. Here it is read once in passing; what
a part says of its own size is not believed.
"""

import html
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import reduce
from typing import IO

from shared.errors import Invalid

DAMAGED = "El archivo XLSX está dañado o no es de Excel."
TOO_LARGE = "El archivo es demasiado grande al abrirse: divídalo en partes, o guárdelo como CSV."
LOCKED = "El archivo tiene contraseña: quítela y súbalo de nuevo."
MAX_PARTS = 1000
MAX_UNPACKED = 1 << 30
MAX_CELLS = 30_000_000  # in the rectangle: a full sheet of a million rows and thirty columns
MAX_TEXT = 1 << 30  # of all cells together, each text as often as it is shown
MAX_CELL = 131_072

_BLOCK = 1 << 20
_HEADER = 30
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_STRINGS = "xl/sharedstrings.xml"
_RELATIONS = re.compile(r".*[/\\]workbook\.xml\.rels", re.IGNORECASE)
_TARGET = re.compile(rb"\bTarget\s*=\s*[\"']([^\"']*)[\"']")
_CELL = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,4})(\d{1,9})[\"'](?![^<>]*/>)")
_VALUE = re.compile(rb"<(?:\w+:)?c(?:\s[^<>]*[^/<>])?>")
_ROW = re.compile(rb"<(?:\w+:)?row[\s>]")
_SHARED = re.compile(rb"<(?:\w+:)?v>\s*(\d{1,9})")
_ITEM = re.compile(rb"<(?:\w+:)?si[\s>]")


def check(stream: IO[bytes]) -> None:
    """Leaves the stream at its beginning. Raises Invalid on `file`."""
    try:
        with zipfile.ZipFile(stream) as archive:
            _check_parts(archive, stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError):
        raise _invalid(DAMAGED) from None
    finally:
        stream.seek(0)


def _check_parts(archive: zipfile.ZipFile, stream: IO[bytes]) -> None:
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise _invalid("El archivo XLSX tiene demasiadas partes.")
    if any(part.flag_bits & 1 for part in parts):
        raise _invalid(LOCKED)
    left = MAX_UNPACKED
    named = _named_in_book(stream, parts)
    lengths: list[int] = []
    for part in sorted(parts, key=lambda part: part.filename.lower() != _STRINGS):
        blocks = _blocks(stream, part, left)
        if part.filename.lower() == _STRINGS:
            lengths, size = _lengths(blocks)
        elif _SHEET.fullmatch(part.filename) or _last_name(part.filename) in named:
            size = _check_sheet(blocks, lengths)
        else:
            size = sum(map(len, blocks))
        left -= size


def _named_in_book(stream: IO[bytes], parts: list[zipfile.ZipInfo]) -> set[str]:
    """What the workbook refers to: a sheet may stand anywhere, under any name."""
    found = (
        html.unescape(target.decode(errors="replace"))
        for part in parts
        if _RELATIONS.fullmatch(part.filename)
        for target in _TARGET.findall(b"".join(_blocks(stream, part, _BLOCK)))
    )
    return {_last_name(target) for target in found}


def _last_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].lower()


def _blocks(stream: IO[bytes], part: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
    """What a part holds, unpacked. Raises Invalid beyond what is `left`."""
    for block in _unpacked(stream, part):
        left -= len(block)
        if left < 0:
            raise _invalid(TOO_LARGE)
        yield block


def _unpacked(stream: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    packed = _packed(stream, part)
    if part.compress_type == zipfile.ZIP_STORED:
        yield from packed
        return
    if part.compress_type != zipfile.ZIP_DEFLATED:  # Excel writes no other
        raise _invalid(DAMAGED)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for block in packed:
        while block:
            yield unpacker.decompress(block, _BLOCK)
            block = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise _invalid(DAMAGED)


def _packed(stream: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    stream.seek(part.header_offset)
    header = stream.read(_HEADER)
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    at, left = part.header_offset + _HEADER + names, part.compress_size
    while left > 0:
        stream.seek(at)
        block = stream.read(min(left, _BLOCK))
        if not block:
            raise _invalid(DAMAGED)
        at, left = at + len(block), left - len(block)
        yield block


def _lengths(blocks: Iterator[bytes]) -> tuple[list[int], int]:
    """How long each shared text is, and all of them. Raises Invalid for one beyond a cell's."""
    lengths: list[int] = []
    size, rest = 0, b""
    for block in blocks:
        size += len(block)
        *items, rest = _ITEM.split(rest + block)
        lengths += map(len, items)
        _check_text(max((*lengths[-len(items) or len(lengths) :], len(rest))))
    return [*lengths[1:], len(rest)], size


def _check_sheet(blocks: Iterator[bytes], lengths: list[int]) -> int:
    """The sheet's size. Raises Invalid where its rectangle, or its texts, are too large."""
    reach, rest, size, shown = _Reach(), b"", 0, 0
    longest = max(lengths, default=0)
    for block in blocks:
        size += len(block)
        text = rest + block
        _check_text(max(map(len, text.split(b"<"))))
        end = text.rfind(b"<") if b"<" in text else len(text)
        done, rest = text[:end], text[end:]
        reach.add(done)
        shown += _shown(done, lengths, longest)
        if reach.cells > MAX_CELLS or shown > MAX_TEXT:
            raise _invalid(TOO_LARGE)
    return size


class _Reach:
    """The rectangle up to the furthest cell with a value; a cell may leave out where it is."""

    def __init__(self) -> None:
        self._columns = self._rows = self._filled = self._in_row = 0

    @property
    def cells(self) -> int:
        """In the rectangle."""
        return self._columns * self._rows

    def add(self, text: bytes) -> None:
        """A part of the sheet that ends before a tag."""
        if cells := _CELL.findall(text):
            columns, rows = zip(*cells, strict=True)
            self._columns = max(self._columns, *map(_column, set(columns)))
            self._rows = max(self._rows, *map(int, set(rows)))
        first, *others = (len(_VALUE.findall(row)) for row in _ROW.split(text))
        self._in_row += first
        for count in others:
            self._end_row(count)
        self._columns = max(self._columns, self._in_row)

    def _end_row(self, begun: int) -> None:
        self._columns = max(self._columns, self._in_row)
        self._filled += bool(self._in_row)
        self._rows = max(self._rows, self._filled)
        self._in_row = begun


def _column(letters: bytes) -> int:
    return reduce(lambda number, letter: number * 26 + letter - 64, letters.upper(), 0)


def _shown(text: bytes, lengths: list[int], longest: int) -> int:
    """How much text shared ones are at most in these cells: each as if it were a shared one."""
    numbers = _SHARED.findall(text) if longest else []
    if len(numbers) * longest < _BLOCK:
        return len(numbers) * longest
    known = len(lengths)
    return sum(lengths[number] for number in map(int, numbers) if number < known)


def _check_text(length: int) -> None:
    if length > 6 * MAX_CELL:  # `&quot;` is one character
        raise _invalid(f"Una celda tiene más de {MAX_CELL} caracteres.")


def _invalid(text: str) -> Invalid:
    return Invalid.field("file", text)
