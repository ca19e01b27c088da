"""Files a person or a program takes away: stored ones, and tables as CSV or XLSX."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import IO, TypeVar
from urllib.parse import quote

from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from shared import files, sheets
from shared.contract import Page
from shared.sheets import Cell

T = TypeVar("T")

MOST_ROWS = 100_000  # of a list taken away as a file
_A_PAGE = 200

_BLOCK = 1 << 16
_IN_MEMORY = 4 << 20


class TableForm(StrEnum):
    """`?formato=` of a table's address."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True)
class Table:
    """What a file holds: `title` says of what."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


Pages = AsyncIterator[list[tuple[Cell, ...]]]


@dataclass(frozen=True)
class LongTable:
    """A table whose rows are fetched while it is written."""

    title: str
    header: tuple[str, ...]
    pages: Pages


async def stored_csv(key: str, file_name: str) -> StreamingResponse:
    """A stored CSV, streamed. Raises NotFound before the answer has begun."""
    opened = files.open_key(key)
    source = await run_in_threadpool(opened.__enter__)
    return StreamingResponse(
        _blocks(opened, source), media_type=sheets.CSV_TYPE, headers=attachment(file_name)
    )


async def _blocks(
    opened: AbstractContextManager[IO[bytes]], source: IO[bytes]
) -> AsyncIterator[bytes]:
    try:
        while block := await run_in_threadpool(source.read, _BLOCK):
            yield block
    finally:
        await run_in_threadpool(opened.__exit__, None, None, None)


def csv_table(file_name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table as CSV."""
    body = "".join(sheets.csv_lines(header, rows))
    return Response(body, media_type=sheets.CSV_TYPE, headers=attachment(file_name))


async def table(
    file_name: str, found: Table | LongTable, form: TableForm, about: sheets.About
) -> StreamingResponse:
    """A table as CSV or XLSX; `file_name` is without a suffix.

    A room that refuses does so before the answer begins, and not in the midst of a file.
    """
    pages = await _begun(found.pages if isinstance(found, LongTable) else _one_page(found))
    headers = attachment(f"{file_name}.{form}")
    if form is TableForm.XLSX:
        source = await _xlsx(found.header, pages, about)
        return StreamingResponse(
            _blocks(source, source), media_type=sheets.XLSX_TYPE, headers=headers
        )
    lines = _csv(found.header, pages)
    return StreamingResponse(lines, media_type=sheets.CSV_TYPE, headers=headers)


async def rows_of(
    find: Callable[[str | None, int], Awaitable[Page[T]]], cells: Callable[[T], tuple[Cell, ...]]
) -> AsyncIterator[list[tuple[Cell, ...]]]:
    """The rows of a list, page by page, up to `MOST_ROWS`; `find(after, limit)` asks for one."""
    after: str | None = None
    for _ in range(MOST_ROWS // _A_PAGE):
        page = await find(after, _A_PAGE)
        yield [cells(item) for item in page.items]
        after = page.next
        if after is None:
            break


async def _begun(pages: Pages) -> Pages:
    """The same, its first page fetched already."""
    first: list[tuple[Cell, ...]] = await anext(pages, [])

    async def all_pages() -> Pages:
        yield first
        async for page in pages:
            yield page

    return all_pages()


async def _one_page(found: Table) -> Pages:
    yield found.rows


async def _csv(header: Sequence[str], pages: Pages) -> AsyncIterator[str]:
    yield "".join(sheets.csv_lines(header, []))
    async for rows in pages:
        yield "".join(map(sheets.csv_line, rows))


async def _xlsx(header: Sequence[str], pages: Pages, about: sheets.About) -> IO[bytes]:
    """In a file of the machine when it is large; the reader closes it."""
    target = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # as said
    book = sheets.Xlsx(target, header)
    async for rows in pages:
        await run_in_threadpool(book.add, rows)
    await run_in_threadpool(book.close, about)
    target.seek(0)
    return target


def attachment(file_name: str) -> dict[str, str]:
    """The header that has a browser keep the answer as a file."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name)}"}
