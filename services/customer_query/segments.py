"""The segment grammar: from a JSON tree to typed criteria, and to a Spanish sentence. Pure.

    {"all": [S…]}  {"any": [S…]}  {"not": S}
    {"field": f, "in": […]}  {"field": f, "between": [low, high]}  {"field": f, "is": value}

Both ends of `between` count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.contracts.customer_query import Category, Gender
from shared.contracts.risk_central import RiskCategory
from shared.ecuador import provinces
from shared.ecuador.money import format_money
from shared.errors import Invalid

MAX_DEPTH = 10
MAX_LEAVES = 100
MAX_VALUES = 500
NEVER_DAYS = 36_500  # days since contact of a person who was never contacted

Value = str | int | Decimal | bool


@dataclass(frozen=True)
class AllOf:
    """Every part holds; of no parts: everybody."""

    parts: tuple["Criterion", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Criterion", ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold; where a value is unknown, it does not hold either."""

    part: "Criterion"


@dataclass(frozen=True)
class In:
    """The field is one of these."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Between:
    """The field lies between these, both included."""

    field: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class Is:
    """A yes-or-no field has this value."""

    field: str
    value: bool


Criterion = AllOf | AnyOf | Not | In | Between | Is


@dataclass(frozen=True)
class Field:
    """What a field takes: `one` reads a single value and raises ValueError in Spanish."""

    label: str
    operators: frozenset[str]
    one: Callable[[Any], Value]
    unit: str = ""


def _chosen(values: type[Gender] | type[Category] | type[RiskCategory]) -> Callable[[Any], Value]:
    def one(value: Any) -> Value:
        try:
            return values(value).value
        except ValueError:
            raise ValueError(f"Elija entre {', '.join(values)}.") from None

    return one


def _province(value: Any) -> Value:
    if isinstance(value, str) and any(value == item.code for item in provinces.provinces()):
        return value
    raise ValueError("Use el código INEC de la provincia, de 01 a 24.")


def _canton(value: Any) -> Value:
    if isinstance(value, str) and any(value == item.code for item in provinces.cantons()):
        return value
    raise ValueError("Use el código INEC del cantón, de cuatro dígitos.")


def _whole(value: Any) -> Value:
    number = _number(value)
    if number != number.to_integral_value():
        raise ValueError("Use un número entero.")
    return number


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("Use un número.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("Use un número.") from None
    if not number.is_finite() or abs(number) > 10**9:
        raise ValueError("El número está fuera de rango.")
    return number


def _id(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise ValueError("Use el número de la campaña.")
    return value


def _code(value: Any) -> Value:
    if not isinstance(value, str) or not 0 < len(value) <= 60:
        raise ValueError("Use el código del servicio.")
    return value


def _flag(value: Any) -> Value:
    if not isinstance(value, bool):
        raise ValueError("Use true o false.")
    return value


_CHOICE = frozenset({"in", "is"})
_RANGE = frozenset({"between", "is"})
_YES_NO = frozenset({"is"})

FIELDS: dict[str, Field] = {
    "gender": Field("género", _CHOICE, _chosen(Gender)),
    "age": Field("edad", _RANGE, _whole, "años"),
    "income": Field("ingresos", _RANGE, _number, "$"),
    "province": Field("provincia", _CHOICE, _province),
    "canton": Field("cantón", _CHOICE, _canton),
    "category": Field("categoría", _CHOICE, _chosen(Category)),
    "tenure_years": Field("antigüedad", _RANGE, _whole, "años"),
    "service": Field("servicio contratado", _CHOICE, _code),
    "risk_category": Field("calificación de riesgo", _CHOICE, _chosen(RiskCategory)),
    "consent_mail": Field("acepta correo", _YES_NO, _flag),
    "consent_phone": Field("acepta llamadas", _YES_NO, _flag),
    "days_since_contact": Field("días desde el último contacto", _RANGE, _whole, "días"),
    "in_campaign": Field("está en la campaña", _CHOICE, _id),
}
_GROUPS = ("all", "any", "not")
_OPERATORS = ("in", "between", "is")


def parse(definition: Any) -> Criterion:
    """The criteria of a definition. Raises Invalid, naming the path, such as `definition.all.0`."""
    leaves = [0]
    return _parse(definition, "definition", 1, leaves)


def _parse(node: Any, path: str, depth: int, leaves: list[int]) -> Criterion:
    if not isinstance(node, dict):
        raise Invalid.field(path, "Cada criterio es un objeto.")
    if depth > MAX_DEPTH:
        raise Invalid.field(path, f"Hay más de {MAX_DEPTH} grupos uno dentro de otro.")
    if "field" in node:
        leaves[0] += 1
        if leaves[0] > MAX_LEAVES:
            raise Invalid.field(path, f"Hay más de {MAX_LEAVES} criterios.")
        return _leaf(node, path)
    return _group(node, path, depth, leaves)


def _group(node: dict[str, Any], path: str, depth: int, leaves: list[int]) -> Criterion:
    if len(node) != 1 or next(iter(node)) not in _GROUPS:
        raise Invalid.field(path, "Use all, any, not, o un criterio con field.")
    group, inner = next(iter(node.items()))
    if group == "not":
        return Not(_parse(inner, f"{path}.not", depth + 1, leaves))
    if not isinstance(inner, list):
        raise Invalid.field(f"{path}.{group}", "Debe ser una lista de criterios.")
    if group == "any" and not inner:
        raise Invalid.field(f"{path}.any", "Agregue al menos un criterio.")
    parts = tuple(
        _parse(part, f"{path}.{group}.{index}", depth + 1, leaves)
        for index, part in enumerate(inner)
    )
    return AllOf(parts) if group == "all" else AnyOf(parts)


def _leaf(node: dict[str, Any], path: str) -> Criterion:
    name = node["field"]
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        known = ", ".join(FIELDS)
        raise Invalid.field(f"{path}.field", f"El campo {name!r} no existe. Use uno de: {known}.")
    operators = node.keys() - {"field"}
    if len(operators) != 1 or not operators <= field.operators:
        allowed = " o ".join(item for item in _OPERATORS if item in field.operators)
        raise Invalid.field(path, f"El campo {name} se usa con {allowed}.")
    operator = operators.pop()
    value = node[operator]
    if operator == "between":
        return _between(name, field, value, f"{path}.between")
    if operator == "is" and "between" in field.operators:
        number = Decimal(str(_one(field, value, f"{path}.is")))
        return Between(name, number, number)
    if operator == "is" and isinstance(read := _one(field, value, f"{path}.is"), bool):
        return Is(name, read)
    return _in(name, field, [value] if operator == "is" else value, f"{path}.{operator}")


def _between(name: str, field: Field, value: Any, path: str) -> Between:
    if not isinstance(value, list) or len(value) != 2:
        raise Invalid.field(path, "Indique dos valores: desde y hasta.")
    low, high = (
        Decimal(str(_one(field, item, f"{path}.{index}"))) for index, item in enumerate(value)
    )
    if low > high:
        raise Invalid.field(path, "El valor «desde» es mayor que el valor «hasta».")
    return Between(name, low, high)


def _in(name: str, field: Field, value: Any, path: str) -> In:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
        raise Invalid.field(path, f"Elija de 1 a {MAX_VALUES} valores.")
    values = (_one(field, item, f"{path}.{index}") for index, item in enumerate(value))
    return In(name, tuple(dict.fromkeys(values)))


def _one(field: Field, value: Any, path: str) -> Value:
    try:
        return field.one(value)
    except ValueError as error:
        raise Invalid.field(path, str(error)) from None


# --- in Spanish ---

_LABELS: dict[str, dict[Any, str]] = {
    "gender": {"F": "mujeres", "M": "hombres", "X": "otro género"},
    "category": {"new": "nuevos", "regular": "regulares", "loyal": "leales"},
}


def describe(criterion: Criterion) -> str:
    """The criteria as one Spanish sentence."""
    text = _describe(criterion)
    return text[0].upper() + text[1:] if text else "Todos los clientes"


def _describe(criterion: Criterion) -> str:
    match criterion:
        case AllOf(parts):
            return " y ".join(_inside(part) for part in parts)
        case AnyOf(parts):
            return " o ".join(_inside(part) for part in parts)
        case Not(part):
            return f"no ({_describe(part)})"
        case Is(field, value):
            return FIELDS[field].label if value else f"no {FIELDS[field].label}"
        case In(field, values):
            names = ", ".join(_name(field, value) for value in values)
            return f"{FIELDS[field].label}: {names}"
        case Between(field, low, high):
            return _describe_range(FIELDS[field], low, high)


def _inside(part: Criterion) -> str:
    text = _describe(part)
    return f"({text})" if isinstance(part, AllOf | AnyOf) and len(part.parts) > 1 else text


def _describe_range(field: Field, low: Decimal, high: Decimal) -> str:
    if field.unit == "$":
        return f"{field.label} de {format_money(low)} a {format_money(high)}"
    return f"{field.label} de {low:f} a {high:f} {field.unit}"


def _name(field: str, value: Value) -> str:
    if field == "province":
        return next(item.name for item in provinces.provinces() if item.code == value)
    if field == "canton":
        return next(item.name for item in provinces.cantons() if item.code == value)
    return _LABELS.get(field, {}).get(value, str(value))
