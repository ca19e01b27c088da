"""A segment's definition: a tree of groups and criteria, typed, bounded before it is understood.

    {"all": [S…]}  {"any": [S…]}  {"not": S}
    {"field": f, "in": […]}  {"field": f, "between": [low, high]}  {"field": f, "is": value}

Both ends of `between` count; `{"all": []}` is everybody. Values stay as they were given, so a
definition goes out as it came in. What is wrong is named by its path, such as `all.0.field`.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from typing_extensions import TypeAliasType

from shared.contract import Model
from shared.contracts.criteria import CRITERIA, Criterion, Value
from shared.errors import Invalid

MAX_DEPTH = 10
MAX_LEAVES = 100
MAX_GROUPS = 100
MAX_VALUES = 500
_SHOWN = 60  # characters of what somebody sent, in a message
_OPERATORS = ("in", "between", "is")
_EXAMPLE = {
    "all": [
        {"field": "gender", "in": ["F"]},
        {"field": "age", "between": [25, 45]},
        {"not": {"field": "province", "in": ["17", "09"]}},
        {"field": "consent_mail", "is": True},
    ]
}
_ABOUT = (
    "Who belongs to a segment: groups `all`, `any` and `not` of criteria, at most "
    f"{MAX_DEPTH} deep and {MAX_LEAVES} criteria. Both ends of `between` count; "
    '`{"all": []}` is everybody.'
)

Path = tuple[str | int, ...]


def _keys(operator: str) -> WithJsonSchema:
    keys = [key for key, criterion in CRITERIA.items() if operator in criterion.operators]
    return WithJsonSchema({"type": "string", "enum": keys})


class Node(Model):
    """A part of a definition; on the wire `all`, `not`, `in` and so on have these names."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)


class AllOf(Node):
    """Every part holds; of no parts: everybody."""

    parts: list["Tree"] = Field(alias="all")


class AnyOf(Node):
    """At least one part holds."""

    parts: list["Tree"] = Field(alias="any", min_length=1)


class Not(Node):
    """The part does not hold; where a value is unknown, it does not hold either."""

    part: "Tree" = Field(alias="not")


class In(Node):
    """The field is one of these."""

    field: Annotated[str, _keys("in")]
    values: list[Value] = Field(alias="in", min_length=1, max_length=MAX_VALUES)


class Between(Node):
    """The field lies between these, both included."""

    field: Annotated[str, _keys("between")]
    ends: list[int | float | str] = Field(alias="between", min_length=2, max_length=2)


class Is(Node):
    """The field has this value."""

    field: Annotated[str, _keys("is")]
    value: Value = Field(alias="is")


Tree = TypeAliasType("Tree", AllOf | AnyOf | Not | In | Between | Is)


class Wrong(Exception):  # noqa: N818  # what it is, not an error of ours
    """Something of a definition cannot be: where, and why in Spanish."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def parse(definition: Any) -> "Tree":
    """A definition from JSON. Raises Invalid with its path, such as `definition.all.0`."""
    try:
        return _Reader().read(definition, (), 1)
    except Wrong as wrong:
        path = ".".join(str(step) for step in ("definition", *wrong.path))
        raise Invalid.field(path, wrong.message) from None


def dump(definition: "Tree") -> dict[str, Any]:
    """The JSON of a definition, as the database keeps it."""
    return definition.model_dump(mode="json")


def _validate(value: Any) -> Any:
    """As a part of a contract: the error's path goes on from the field's own."""
    try:
        return _Reader().read(value, (), 1)
    except Wrong as wrong:
        why = {"error": ValueError(wrong.message)}
        raise ValidationError.from_exception_data(
            "Definition", [{"type": "value_error", "ctx": why, "loc": wrong.path, "input": None}]
        ) from None


Definition = TypeAliasType(
    "Definition",
    Annotated[Tree, BeforeValidator(_validate), Field(description=_ABOUT, examples=[_EXAMPLE])],
)


class _Reader:
    """Reads one definition and counts its parts: depth and number are bounded on the way down."""

    def __init__(self) -> None:
        self.leaves = 0
        self.groups = 0

    def read(self, node: Any, path: Path, depth: int) -> "Tree":
        """The typed node. Raises Wrong."""
        if isinstance(node, Node):
            node = dump(node)  # type: ignore[arg-type]  # every Node is of a Tree
        if not isinstance(node, dict):
            raise Wrong(path, "Cada criterio es un objeto.")
        if depth > MAX_DEPTH:
            raise Wrong(path, f"Hay más de {MAX_DEPTH} grupos uno dentro de otro.")
        self._count(node, path)
        return _leaf(node, path) if "field" in node else self._group(node, path, depth)

    def _count(self, node: dict[str, Any], path: Path) -> None:
        if "field" in node:
            self.leaves += 1
        else:
            self.groups += 1
        if self.leaves > MAX_LEAVES:
            raise Wrong(path, f"Hay más de {MAX_LEAVES} criterios.")
        if self.groups > MAX_GROUPS:
            raise Wrong(path, f"Hay más de {MAX_GROUPS} grupos.")

    def _group(self, node: dict[str, Any], path: Path, depth: int) -> "Tree":
        match node:
            case {"not": part} if len(node) == 1:
                return Not(part=self.read(part, (*path, "not"), depth + 1))
            case {"all": parts} if len(node) == 1:
                return AllOf(parts=self._parts(parts, (*path, "all"), depth))
            case {"any": parts} if len(node) == 1:
                return AnyOf(parts=self._some_parts(parts, (*path, "any"), depth))
        raise Wrong(path, "Use all, any, not, o un criterio con field.")

    def _parts(self, parts: Any, path: Path, depth: int) -> list["Tree"]:
        if not isinstance(parts, list | tuple):
            raise Wrong(path, "Debe ser una lista de criterios.")
        return [self.read(part, (*path, index), depth + 1) for index, part in enumerate(parts)]

    def _some_parts(self, parts: Any, path: Path, depth: int) -> list["Tree"]:
        if isinstance(parts, list | tuple) and not parts:
            raise Wrong(path, "Agregue al menos un criterio.")
        return self._parts(parts, path, depth)


def _leaf(node: dict[str, Any], path: Path) -> "Tree":
    name = node["field"]
    criterion = CRITERIA.get(name) if isinstance(name, str) else None
    if criterion is None:
        shown = repr(name)[:_SHOWN] if isinstance(name, str) else "indicado"
        known = ", ".join(CRITERIA)
        raise Wrong((*path, "field"), f"El campo {shown} no existe. Use uno de: {known}.")
    operators = node.keys() - {"field"}
    if len(operators) != 1 or not operators <= set(criterion.operators):
        allowed = " o ".join(item for item in _OPERATORS if item in criterion.operators)
        raise Wrong(path, f"El campo {name} se usa con {allowed}.")
    operator = operators.pop()
    value, inner = node[operator], (*path, operator)
    if operator == "between":
        return Between(field=criterion.key, ends=_ends(criterion, value, inner))
    if operator == "in":
        return In(field=criterion.key, values=_values(criterion, value, inner))
    return Is(field=criterion.key, value=_one(criterion, value, inner))


def _ends(criterion: Criterion, value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Wrong(path, "Indique dos valores: desde y hasta.")
    low, high = (_one(criterion, item, (*path, index)) for index, item in enumerate(value))
    if Decimal(str(low)) > Decimal(str(high)):
        raise Wrong(path, "El valor «desde» es mayor que el valor «hasta».")
    return [low, high]


def _values(criterion: Criterion, value: Any, path: Path) -> list[Value]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_VALUES:
        raise Wrong(path, f"Elija de 1 a {MAX_VALUES} valores.")
    return [_one(criterion, item, (*path, index)) for index, item in enumerate(value)]


def _one(criterion: Criterion, value: Any, path: Path) -> Value:
    try:
        return criterion.read(value)
    except ValueError as error:
        raise Wrong(path, str(error)) from None


# --- what a criterion's node asks ---


def values_of(leaf: In | Is) -> tuple[Value, ...]:
    """The values that a choice allows, each once."""
    return tuple(dict.fromkeys(leaf.values)) if isinstance(leaf, In) else (leaf.value,)


def ends_of(leaf: Between | Is) -> tuple[Decimal, Decimal]:
    """Both ends of a range; `is` is a range of one."""
    low, high = leaf.ends if isinstance(leaf, Between) else (leaf.value, leaf.value)
    return Decimal(str(low)), Decimal(str(high))
