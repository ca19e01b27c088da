"""From a line of the customer file to checked columns. Pure: today comes as an argument."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from services.customer_query import profiles
from shared.contracts.customer_query import Category, Gender
from shared.ecuador import provinces
from shared.ecuador.dates import parse_date
from shared.ecuador.money import parse_money
from shared.ecuador.names import fold
from shared.errors import Invalid

# Our field → the header names it goes by, folded.
HEADERS: dict[str, tuple[str, ...]] = {
    "cedula": ("cedula", "ruc", "identificacion", "ci", "id_number", "cedula/ruc", "no. cedula"),
    "first_names": ("nombres", "nombre", "first_names", "first names", "first_name"),
    "last_names": ("apellidos", "apellido", "last_names", "last names", "surname", "last_name"),
    "gender": ("genero", "sexo", "gender"),
    "birth_on": ("fecha_nacimiento", "fecha de nacimiento", "nacimiento", "birth_date", "birth_on"),
    "income": ("ingresos", "ingreso", "ingreso mensual", "income"),
    "province": ("provincia", "province"),
    "canton": ("canton", "ciudad"),
    "address": ("direccion", "domicilio", "address"),
    "email": ("email", "correo", "e-mail", "correo electronico", "mail"),
    "phone": ("telefono", "celular", "movil", "phone"),
    "joined_on": ("fecha_alta", "fecha de alta", "cliente desde", "joined_on", "joined"),
    "category": ("categoria", "category"),
    "consent_mail": ("acepta_correo", "acepta correo", "consent_mail"),
    "consent_phone": ("acepta_llamadas", "acepta llamadas", "consent_phone"),
}
LABELS = {
    "cedula": "cedula",
    "first_names": "nombres",
    "last_names": "apellidos",
    "gender": "genero",
    "birth_on": "fecha_nacimiento",
    "income": "ingresos",
    "province": "provincia",
    "canton": "canton",
    "address": "direccion",
    "email": "email",
    "phone": "telefono",
    "joined_on": "fecha_alta",
    "category": "categoria",
    "consent_mail": "acepta_correo",
    "consent_phone": "acepta_llamadas",
}
REQUIRED = ("cedula", "first_names", "last_names")
MAX_CELL = 1000
_YES = {"si", "s", "1", "true", "verdadero", "yes", "x"}
_NO = {"no", "n", "0", "false", "falso"}
_CATEGORIES = {fold(item.word): item for item in Category}
_GENDERS = {fold(name): item for item in Gender for name in (item, item.word)} | {
    "mujer": Gender.FEMALE,
    "hombre": Gender.MALE,
}


def map_columns(header: Sequence[str], asked: Mapping[str, str] | None) -> dict[str, str]:
    """Our field → the file's column, as asked or guessed by name. Raises Invalid on `mapping`."""
    mapping = dict(asked) if asked else guess(header)
    for field, column in mapping.items():
        if field not in HEADERS:
            known = ", ".join(HEADERS)
            raise Invalid.field("mapping", f"El campo {field} no existe. Use: {known}.")
        if column not in header:
            raise Invalid.field("mapping", f"El archivo no tiene la columna «{column}».")
    missing = [LABELS[field] for field in REQUIRED if field not in mapping]
    if missing:
        raise Invalid.field(
            "mapping",
            f"Faltan columnas obligatorias: {', '.join(missing)}. "
            f"El archivo tiene: {', '.join(header)[:300]}.",
        )
    return mapping


def guess(header: Sequence[str]) -> dict[str, str]:
    """The mapping that the header's names suggest."""
    by_name = {fold(column): column for column in reversed(header)}
    return {
        field: by_name[name]
        for field, names in HEADERS.items()
        for name in names[::-1]
        if name in by_name
    }


class RowReader:
    """Turns lines into columns of `customer`; knows the mapping and the day."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str], today: date) -> None:
        self._positions = {field: header.index(column) for field, column in mapping.items()}
        self._width = len(header)
        self._today = today

    def read(self, cells: Sequence[str]) -> dict[str, Any]:
        """The columns that the file has. Raises ValueError with all that is wrong, in Spanish."""
        if len(cells) > self._width:
            raise ValueError("La fila tiene más columnas que el encabezado.")
        values, wrong = self._parse(cells)
        try:
            checked = profiles.check(values, self._today)
        except Invalid as error:
            wrong += [f"{LABELS[item.field]}: {item.message}" for item in error.fields]
        if wrong:
            raise ValueError(" ".join(wrong))
        return self._complete(checked)

    def _parse(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for field, position in self._positions.items():
            text = cells[position].strip() if position < len(cells) else ""
            try:
                values[field] = self._value(field, text, values)
            except ValueError as error:
                wrong.append(f"{LABELS[field]}: {error}")
        return values, wrong

    def _value(self, field: str, text: str, values: Mapping[str, Any]) -> Any:
        if len(text) > MAX_CELL:
            raise ValueError(f"El texto es demasiado largo (máximo {MAX_CELL}).")
        if field == "canton" and text:
            province = values.get("province")
            if province is None:
                raise ValueError("Indique también la provincia.")
            return provinces.parse_canton(text, province).code
        parse = _PARSERS.get(field)
        if parse is None:
            return text or ("" if field in REQUIRED else None)
        return parse(text) if text else None

    def _complete(self, checked: dict[str, Any]) -> dict[str, Any]:
        search = profiles.search_text(checked["first_names"], checked["last_names"])
        joined_on = checked.get("joined_on") or self._today
        by_tenure = profiles.category_of(joined_on, self._today).value
        category = checked.get("category") or by_tenure
        reason = "importación" if category != by_tenure else None
        checked = {name: value for name, value in checked.items() if value is not None}
        return checked | {
            "search": search,
            "joined_on": joined_on,
            "category": category,
            "category_reason": reason,
        }


def given(mapping: Iterable[str]) -> tuple[str, ...]:
    """The columns of `customer` that an import with these fields may change."""
    fields = [field for field in HEADERS if field in mapping]
    follows = ("search",) + (
        ("category", "category_reason") if "joined_on" in fields or "category" in fields else ()
    )
    return tuple(dict.fromkeys((*fields, *follows)))


def _flag(text: str) -> bool:
    folded = fold(text)
    if folded in _YES:
        return True
    if folded in _NO:
        return False
    raise ValueError("Escriba sí o no.")


def _gender(text: str) -> str:
    found = _GENDERS.get(fold(text))
    if found is None:
        raise ValueError(f"Use {', '.join(Gender)}.")
    return found


def _category(text: str) -> str:
    found = _CATEGORIES.get(fold(text), text)
    if found not in set(Category):
        raise ValueError(f"Use {', '.join(_CATEGORIES)}.")
    return found


def _province(text: str) -> str:
    return provinces.parse_province(text).code


_PARSERS: dict[str, Callable[[str], Any]] = {
    "gender": _gender,
    "birth_on": parse_date,
    "income": parse_money,
    "province": _province,
    "joined_on": parse_date,
    "category": _category,
    "consent_mail": _flag,
    "consent_phone": _flag,
}
