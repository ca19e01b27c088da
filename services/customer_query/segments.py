"""A segment's definition as one Spanish sentence. Pure."""

from typing import assert_never

from shared.contracts.criteria import CRITERIA, Criterion, Flag, Range
from shared.contracts.segments import (
    AllOf,
    AnyOf,
    Between,
    In,
    Is,
    Not,
    Tree,
    ends_of,
    values_of,
)


def describe(definition: Tree) -> str:
    """Who belongs to the segment."""
    text = _describe(definition)
    return text[0].upper() + text[1:] if text else "Todos los clientes"


def _describe(node: Tree) -> str:
    match node:
        case AllOf(parts=parts):
            return " y ".join(_inside(part) for part in parts)
        case AnyOf(parts=parts):
            return " o ".join(_inside(part) for part in parts)
        case Not(part=part):
            return f"no ({_describe(part)})"
        case In() | Between() | Is():
            return _tell(CRITERIA[node.field], node)
        case _:
            assert_never(node)


def _tell(criterion: Criterion, leaf: In | Between | Is) -> str:
    if isinstance(criterion, Flag) and isinstance(leaf, Is):
        return criterion.label if leaf.value else f"no {criterion.label}"
    if isinstance(criterion, Range) and not isinstance(leaf, In):
        return criterion.tell_range(*ends_of(leaf))
    assert not isinstance(leaf, Between)  # noqa: S101  # only ranges have it
    names = ", ".join(criterion.tell(value) for value in values_of(leaf))
    return f"{criterion.label}: {names}"


def _inside(part: Tree) -> str:
    text = _describe(part)
    return f"({text})" if isinstance(part, AllOf | AnyOf) and len(part.parts) > 1 else text
