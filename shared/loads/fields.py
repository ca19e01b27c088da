"""From the cells of a line to the fields of a room, by the columns that were chosen or guessed."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from shared.bounds import is_odd
from shared.contracts.loads import Column
from shared.ecuador.dates import format_date
from shared.ecuador.money import format_number
from shared.ecuador.names import fold
from shared.errors import Invalid
from shared.loads.encodings import legible
from shared.sheets import plain

MAX_CELL = 1000
NO_VALUE = r"\N"  # an empty cell, as databases write it to files
REQUIRED = "Este campo es obligatorio."
_YES = {"si", "s", "1", "true", "verdadero", "yes", "x"}
_NO = {"no", "n", "0", "false", "falso"}


@dataclass(frozen=True)
class Field:
    """A field a file may bring: its column, other names of that, and how its text is read.

    `parse` raises ValueError in Spanish; it never sees an empty text.
    """

    column: Column
    synonyms: tuple[str, ...] = ()  # folded
    parse: Callable[[str], Any] = str

    @property
    def name(self) -> str:
        """Ours."""
        return self.column.field

    @property
    def label(self) -> str:
        """As our own files call it."""
        return self.column.label


def check_names(fields: Sequence[Field], asked: Mapping[str, str] | None) -> None:
    """Nothing is asked for that the load does not know. Raises Invalid on `mapping`."""
    known = [field.name for field in fields]
    for name in asked or ():
        if name not in known:
            raise Invalid.field("mapping", f"El campo {name} no existe. Use: {', '.join(known)}.")


def map_columns(
    fields: Sequence[Field], header: Sequence[str], asked: Mapping[str, str] | None
) -> dict[str, str]:
    """Our field → the file's column, as asked or guessed by name. Raises Invalid on `mapping`."""
    mapping = dict(asked) if asked else guess(fields, header)
    check_names(fields, mapping)
    for column in mapping.values():
        _check_column(column, header, guessed=not asked)
    missing = [f.label for f in fields if f.column.required and f.name not in mapping]
    if missing:
        raise Invalid.field(
            "mapping",
            f"Faltan columnas obligatorias: {', '.join(missing)}. "
            f"El archivo tiene: {', '.join(header)[:300]}.",
        )
    return mapping


def _check_column(column: str, header: Sequence[str], *, guessed: bool) -> None:
    if column not in header:
        raise Invalid.field("mapping", f"El archivo no tiene la columna «{column}».")
    alike = [name for name in header if fold(name) == fold(column)]
    if header.count(column) > 1 or (guessed and len(alike) > 1):
        told = f"El archivo tiene la columna «{column}» {len(alike)} veces: deje una sola."
        raise Invalid.field("mapping", told)


def guess(fields: Sequence[Field], header: Sequence[str]) -> dict[str, str]:
    """The mapping that the header's names suggest."""
    by_name = {fold(column): column for column in reversed(header)}
    return {
        field.name: by_name[name]
        for field in fields
        for name in (fold(field.label), *field.synonyms)[::-1]
        if name in by_name
    }


def header_key(header: Sequence[str]) -> str:
    """The same for headers with the same names in the same order."""
    return hashlib.sha256("\n".join(fold(column) for column in header).encode()).hexdigest()


class Cells:
    """Turns the cells of a line into values by field; knows header and mapping."""

    def __init__(
        self, fields: Sequence[Field], header: Sequence[str], mapping: Mapping[str, str]
    ) -> None:
        self._columns = [
            (field.name, header.index(mapping[field.name]), field.parse, field.column.required)
            for field in fields
            if field.name in mapping
        ]
        self._width = len(header)

    def parse(self, cells: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
        """Values, None where a cell is empty, and what is wrong with the others, by field."""
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        count = len(cells)
        for name, position, parse, required in self._columns:
            text = cells[position].strip() if position < count else ""
            if not text or text == NO_VALUE:
                values[name] = None
                if required:
                    wrong[name] = REQUIRED
                continue
            try:
                values[name] = _parse(parse, text)
            except ValueError as error:
                wrong[name] = str(error)
        return values, wrong

    def check(self, cells: Sequence[str]) -> None:
        """Raises ValueError for a line that cannot be read as one."""
        if len(cells) > self._width and any(cells[self._width :]):
            raise ValueError("La fila tiene más columnas que el encabezado.")
        whole = "".join(cells)
        if is_odd(whole) or "\ufffd" in whole:
            raise ValueError("La fila tiene caracteres que no se pueden leer.")

    def shown(self, cells: Sequence[str]) -> dict[str, str]:
        """The values by field as a person reads them; a text that is wrong as it stands."""
        values, wrong = self.parse(cells)
        texts = {
            name: legible(cells[at].strip()) for name, at, *_ in self._columns if at < len(cells)
        }
        return {
            name: text if name in wrong else _shown(values[name], text)
            for name, text in texts.items()
        }


def _parse(parse: Callable[[str], Any], text: str) -> Any:
    if len(text) > MAX_CELL:
        raise ValueError(f"El texto es demasiado largo (máximo {MAX_CELL}).")
    return parse(plain(text) if text[0] == "'" else text)


def _shown(value: Any, text: str) -> str:
    match value:
        case bool():
            return "sí" if value else "no"
        case date():
            return format_date(value)
        case Decimal():
            return format_number(value, decimals=2)
        case _:
            return text


def parse_flag(text: str) -> bool:
    """Yes or no, in any usual word. Raises ValueError."""
    folded = fold(text)
    if folded in _YES:
        return True
    if folded in _NO:
        return False
    raise ValueError("Escriba sí o no.")


def choice(words: Mapping[str, str], shown: Sequence[str]) -> Callable[[str], str]:
    """A parser of one of several codes, by the folded words for them."""

    def parse(text: str) -> str:
        found = words.get(fold(text), text)
        if found not in words.values():
            raise ValueError(f"Use {', '.join(shown)}.")
        return found

    return parse
