"""What is wrong with a value, in Spanish: the messages of pydantic's errors."""

import re
from collections.abc import Mapping
from typing import Any

from shared.bounds import ODD_TEXT, TOO_LARGE

_SPANISH = {
    "missing": "Este campo es obligatorio.",
    "extra_forbidden": "Este campo no existe.",
    "string_too_short": "Escriba al menos {min_length} caracteres.",
    "string_too_long": "Escriba como máximo {max_length} caracteres.",
    "string_type": "Escriba un texto.",
    "string_unicode": ODD_TEXT,
    "string_pattern_mismatch": "El formato no es válido.",
    "int_parsing": "Escriba un número entero.",
    "int_type": "Escriba un número entero.",
    "int_parsing_size": TOO_LARGE,
    "int_from_float": "Escriba un número entero.",
    "finite_number": "Escriba un número.",
    "decimal_parsing": "Escriba un número.",
    "decimal_type": "Escriba un número.",
    "decimal_max_places": "Escriba como máximo {decimal_places} decimales.",
    "decimal_whole_digits": TOO_LARGE,
    "decimal_max_digits": TOO_LARGE,
    "float_parsing": "Escriba un número.",
    "bool_parsing": "Elija sí o no.",
    "greater_than_equal": "Debe ser {ge} o más.",
    "greater_than": "Debe ser más de {gt}.",
    "less_than_equal": "Debe ser {le} o menos.",
    "less_than": "Debe ser menos de {lt}.",
    "enum": "Elija uno de estos valores: {expected}.",
    "literal_error": "Elija uno de estos valores: {expected}.",
    "date_from_datetime_parsing": "Escriba una fecha como 2026-11-20.",
    "date_parsing": "Escriba una fecha como 2026-11-20.",
    "date_type": "Escriba una fecha como 2026-11-20.",
    "datetime_parsing": "Escriba una fecha y hora como 2026-11-20T14:05:00-05:00.",
    "datetime_from_date_parsing": "Escriba una fecha y hora como 2026-11-20T14:05:00-05:00.",
    "timezone_aware": "Indique la zona horaria, por ejemplo -05:00.",
    "too_short": "Elija al menos {min_length}.",
    "too_long": "Elija como máximo {max_length}.",
    "list_type": "Debe ser una lista.",
    "json_invalid": "El JSON no es válido.",
    "uuid_parsing": "El identificador no es válido.",
}


def spanish(item: Mapping[str, Any]) -> str:
    """The message of one pydantic error, in Spanish; our own `ValueError`s speak it already."""
    kind = str(item["type"])
    if kind == "value_error":
        return str(item["ctx"]["error"])
    text = _SPANISH.get(kind, "El valor no es válido.")
    context = {"expected": "", **item.get("ctx", {})}
    return text.format(**context | {"expected": _listed(context["expected"])})


def _listed(expected: str) -> str:
    """`'A', 'B' or 'C'`, as pydantic lists what may be, without its quotes and its English."""
    return ", ".join(re.findall(r"'([^']*)'", expected)) or expected
