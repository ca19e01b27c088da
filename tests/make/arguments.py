"""Arguments that a procedure takes, as small as they may be."""

from typing import Any

from shared.contract import Procedure


def examples_of(procedure: Procedure[..., Any]) -> dict[str, Any]:
    """A value for each argument without a default."""
    return {name: value_of(kind) for name, kind in needed(procedure).items()}


def needed(procedure: Procedure[..., Any]) -> dict[str, Any]:
    """The JSON schema of each argument without a default."""
    schema = procedure._arguments.model_json_schema()
    parts = {name: resolve(part, schema) for name, part in schema.get("properties", {}).items()}
    return {name: parts[name] for name in schema.get("required", [])}


def resolve(part: Any, schema: Any) -> Any:
    """A schema whose references are written out."""
    if isinstance(part, list):
        return [resolve(item, schema) for item in part]
    if not isinstance(part, dict):
        return part
    if "examples" in part:  # what refers to itself, such as a segment's definition, has one
        return {"examples": part["examples"]}
    if "$ref" in part:
        return resolve(schema["$defs"][part["$ref"].rpartition("/")[2]], schema)
    return {name: resolve(item, schema) for name, item in part.items() if name != "$defs"}


PLAIN = {
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "null": None,
}
FORMATS = {
    "uuid": "00000000-0000-0000-0000-000000000001",
    "date-time": "2030-01-01T00:00:00-05:00",
    "date": "2030-01-01",
}


def value_of(kind: dict[str, Any]) -> Any:
    """A value of a schema, as small as it may be."""
    if "examples" in kind:
        return kind["examples"][0]
    if "enum" in kind:
        return kind["enum"][0]
    if "anyOf" in kind:
        return value_of(kind["anyOf"][0])
    if kind.get("type") == "object":
        parts = kind.get("properties", {})
        return {name: value_of(parts[name]) for name in kind.get("required", [])}
    if kind.get("type") == "array" and kind.get("minItems"):
        return [value_of(kind["items"])] * kind["minItems"]
    if kind.get("type") == "string":
        return FORMATS.get(kind.get("format", ""), text_of(kind))
    return PLAIN[kind["type"]]


def text_of(kind: dict[str, Any]) -> str:
    """Digits fit most patterns; names have one of their own."""
    known = {r"^\d{4}-(0[1-9]|1[0-2])$": "2026-01", r"^[a-z][a-z0-9_.-]{2,39}$": "sistema"}
    shortest = max(2, int(kind.get("minLength", 0)))
    return known.get(str(kind.get("pattern")), "1" * shortest)
