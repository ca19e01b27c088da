"""The ways a customer row goes wrong in real files, by name."""

from collections.abc import Callable, Mapping

from infra.demo.generate_file import Row

Defect = Callable[[Row, Row], Row]


def _wrong_check_digit(row: Row, _previous: Row) -> Row:
    digit = (int(row["cedula"][-1]) + 1) % 10
    return {**row, "cedula": f"{row['cedula'][:-1]}{digit}"}


def _canton_elsewhere(row: Row, _previous: Row) -> Row:
    quito_or_guayaquil = "Guayaquil" if row["provincia"] == "Pichincha" else "Quito"
    return {**row, "canton": quito_or_guayaquil}


def _repeated_cedula(row: Row, previous: Row) -> Row:
    return {**row, "cedula": previous["cedula"]}


def _set(column: str, value: str) -> Defect:
    return lambda row, _previous: {**row, column: value}


DEFECTS: Mapping[str, Defect] = {
    "wrong check digit": _wrong_check_digit,
    "missing given names": _set("nombres", ""),
    "missing surnames": _set("apellidos", "  "),
    "impossible birth date": _set("fecha_nacimiento", "31/02/1985"),
    "unknown province": _set("provincia", "Cundinamarca"),
    "canton of another province": _canton_elsewhere,
    "bad e-mail": _set("email", "sin-arroba.correo.example"),
    "negative income": _set("ingresos", "-450.00"),
    "unknown gender": _set("genero", "H"),
    "repeated cédula": _repeated_cedula,
}
