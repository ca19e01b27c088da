"""The segment grammar."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.customer_query.segment_sql import CONDITIONS
from services.customer_query.segments import describe
from shared.contracts import segments
from shared.contracts.criteria import CRITERIA
from shared.contracts.customer_query import (
    NewSegment,
    SegmentChange,
    count_segment,
    create_segment,
)
from shared.contracts.segments import AllOf, Not, dump, parse
from shared.errors import Invalid
from tests.make.definitions import CHOICES, FLAGS, RANGES, definitions

EXAMPLE = {
    "all": [
        {"field": "gender", "in": ["F"]},
        {"field": "age", "between": [25, 45]},
        {"field": "province", "in": ["17", "09"]},
        {"field": "income", "between": [400, 1200]},
    ]
}


def wrong_path(definition: Any) -> str:
    with pytest.raises(Invalid) as caught:
        parse(definition)
    return caught.value.fields[0].field


# --- parse accepts exactly the grammar ---

# Trees of the grammar's own words in any arrangement: some are definitions, most are not.
words = st.sampled_from(
    ["F", "17", "1701", "new", "A1", "fibra", "x", "", True, False, 0, 18, 65, -1, 3.5, None]
)
values = words | st.lists(words, max_size=3)
some_leaf = st.fixed_dictionaries(
    {"field": st.sampled_from([*CHOICES, *RANGES, *FLAGS, "agee"])},
    optional={"in": values, "between": values, "is": values},
)
trees = st.recursive(
    some_leaf | words | st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from(["all", "any", "not", "xor"]),
        inner | st.lists(inner, max_size=3),
        max_size=2,
    ),
    max_leaves=8,
)
NUMBERS_WITH_PARTS = {"income"}


def is_definition(node: Any) -> bool:
    """The grammar, said once more in another way."""
    if not isinstance(node, dict):
        return False
    if "field" in node:
        return is_leaf(node)
    match node:
        case {"all": list(parts)} if len(node) == 1:
            return all(map(is_definition, parts))
        case {"any": [_, *_] as parts} if len(node) == 1:
            return all(map(is_definition, parts))
        case {"not": part} if len(node) == 1:
            return is_definition(part)
    return False


def is_leaf(node: dict[str, Any]) -> bool:
    if len(node) != 2:
        return False
    field = node["field"]
    match node:
        case {"is": value} if field in FLAGS:
            return isinstance(value, bool)
        case {"is": value} if field in RANGES:
            return is_number(field, value)
        case {"between": [low, high]} if field in RANGES:
            numbers = is_number(field, low) and is_number(field, high)
            return numbers and float(low) <= float(high)
        case {"is": value} if field in CHOICES:
            return is_choice(field, value)
        case {"in": [_, *_] as several} if field in CHOICES:
            return all(is_choice(field, value) for value in several)
    return False


def is_number(field: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return field in NUMBERS_WITH_PARTS or number == int(number)


def is_choice(field: str, value: Any) -> bool:
    if field == "in_campaign":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if field == "service":
        return isinstance(value, str) and value != ""
    return isinstance(value, str) and value in CHOICES[field]


@settings(max_examples=400)
@given(trees)
def test_parse_accepts_what_the_grammar_allows_and_nothing_else(tree: Any) -> None:
    if is_definition(tree):
        parse(tree)
    else:
        assert wrong_path(tree).startswith("definition")


@given(definitions)
def test_every_definition_of_the_grammar_has_a_description(definition: dict[str, Any]) -> None:
    text = describe(parse(definition))
    assert text
    assert text[0] == text[0].upper()


# --- what it means ---


def test_the_example_parses_to_its_criteria() -> None:
    criterion = parse(EXAMPLE)
    assert isinstance(criterion, AllOf)
    assert [type(part).__name__ for part in criterion.parts] == ["In", "Between", "In", "Between"]
    assert describe(criterion) == (
        "Género: mujeres y edad de 25 a 45 años y provincia: Pichincha, Guayas "
        "y ingresos de $400,00 a $1.200,00"
    )


def test_nothing_asked_is_everybody() -> None:
    assert describe(parse({"all": []})) == "Todos los clientes"


def test_a_repeated_value_counts_once() -> None:
    twice = parse({"field": "gender", "in": ["F", "F", "M"]})
    assert describe(twice) == "Género: mujeres, hombres"


def test_not_keeps_its_part() -> None:
    criterion = parse({"not": {"field": "consent_mail", "is": True}})
    assert isinstance(criterion, Not)
    assert describe(criterion) == "No (acepta correo)"


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ({"all": [{"field": "agee", "in": [3]}]}, "definition.all.0.field"),
        ({"any": []}, "definition.any"),
        ({"all": {}}, "definition.all"),
        ({"not": {"any": [7]}}, "definition.not.any.0"),
        ({"field": "age", "between": [45, 25]}, "definition.between"),
        ({"field": "age", "between": [18, 20.5]}, "definition.between.1"),
        ({"field": "age", "between": [18]}, "definition.between"),
        ({"field": "age", "in": [18]}, "definition"),
        ({"field": "province", "in": ["17", "25"]}, "definition.in.1"),
        ({"field": "gender", "in": []}, "definition.in"),
        ({"field": "income", "is": "NaN"}, "definition.is"),
        ({"field": ["age"], "is": 1}, "definition.field"),
        ({"all": [], "any": []}, "definition"),
        ([], "definition"),
        (None, "definition"),
    ],
)
def test_a_wrong_definition_is_named_by_its_path(definition: Any, path: str) -> None:
    assert wrong_path(definition) == path


def test_depth_and_number_of_criteria_are_limited() -> None:
    assert (segments.MAX_DEPTH, segments.MAX_LEAVES, segments.MAX_VALUES) == (10, 100, 500)
    leaf: dict[str, Any] = {"field": "consent_mail", "is": True}
    deep = leaf
    for _ in range(segments.MAX_DEPTH):
        deep = {"not": deep}
    assert wrong_path(deep).endswith("not")
    assert wrong_path({"all": [leaf] * (segments.MAX_LEAVES + 1)}) == (
        f"definition.all.{segments.MAX_LEAVES}"
    )
    assert parse({"all": [leaf] * segments.MAX_LEAVES})
    groups: dict[str, Any] = {"all": [{"all": []}] * segments.MAX_GROUPS}
    assert wrong_path(groups) == f"definition.all.{segments.MAX_GROUPS - 1}"


def test_a_tree_of_any_depth_is_refused_before_it_is_followed() -> None:
    deep: dict[str, Any] = {"field": "consent_mail", "is": True}
    for _ in range(5_000):
        deep = {"not": deep}
    assert wrong_path(deep) == "definition" + ".not" * segments.MAX_DEPTH
    with pytest.raises(ValidationError) as caught:
        NewSegment(name="Muy hondo", definition=deep)
    assert caught.value.errors()[0]["loc"] == ("definition", *["not"] * segments.MAX_DEPTH)


# --- as a part of contracts ---


@given(definitions)
def test_a_definition_goes_out_as_it_came_in(definition: dict[str, Any]) -> None:
    new = NewSegment(name="Segmento", definition=definition)
    assert new.model_dump(mode="json")["definition"] == definition
    assert json.loads(new.model_dump_json())["definition"] == definition
    assert dump(parse(definition)) == definition
    assert SegmentChange.to(definition=definition).sent() == {"definition": definition}
    sent = count_segment.encode_arguments(parse(definition))
    assert sent == {"definition": definition}
    assert count_segment.decode_arguments(sent)["definition"] == parse(definition)


@pytest.mark.parametrize("value", ["400", 400, 400.5, "400.50"])
def test_a_number_stays_as_it_was_written(value: Any) -> None:
    definition = {"field": "income", "between": [value, 1200]}
    assert dump(parse(definition)) == definition
    assert SegmentChange.to(definition=definition).sent() == {"definition": definition}


def test_what_is_wrong_keeps_its_path_in_every_contract() -> None:
    wrong = {"all": [{"field": "agee", "in": [3]}]}
    with pytest.raises(Invalid) as counted:
        count_segment.encode_arguments(wrong)  # type: ignore[arg-type]  # as a stranger sends it
    assert counted.value.fields[0].field == "definition.all.0.field"
    with pytest.raises(Invalid) as saved:
        create_segment.decode_arguments({"new": {"name": "Edad", "definition": wrong}})
    assert saved.value.fields[0].field == "definition.all.0.field"
    assert saved.value.fields[0].message.startswith("El campo 'agee' no existe. Use uno de: gender")


# --- a criterion is declared once ---


def test_every_criterion_has_its_sql_and_is_drawn_by_the_oracle() -> None:
    assert list(CONDITIONS) == list(CRITERIA)
    assert {*CHOICES, *RANGES, *FLAGS} == CRITERIA.keys()


def test_the_schema_names_every_criterion_and_has_an_example_that_parses() -> None:
    schema = TypeAdapter(segments.Definition).json_schema()
    leaves = [schema["$defs"][name]["properties"]["field"] for name in ("In", "Between", "Is")]
    assert {key for leaf in leaves for key in leaf["enum"]} == CRITERIA.keys()
    for example in schema["examples"]:
        parse(example)
