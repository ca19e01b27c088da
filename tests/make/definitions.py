"""Segment definitions: random ones, and what each means for a person, told without SQL."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

Person = dict[str, Any]
Definition = dict[str, Any]

CHOICES: dict[str, list[Any]] = {
    "gender": ["F", "M", "X"],
    "province": ["17", "09", "01"],
    "canton": ["1701", "1702", "0901"],
    "category": ["new", "regular", "loyal"],
    "risk_category": ["A1", "B2", "E"],
    "service": ["fibra", "pospago"],
    "in_campaign": [1, 2],
}
RANGES = {"age": 100, "income": 2000, "tenure_years": 20, "days_since_contact": 40}
FLAGS = ("consent_mail", "consent_phone", "do_not_mail", "do_not_call", "in_other_campaign")


def _between(field: str, top: int) -> st.SearchStrategy[Definition]:
    ends = st.tuples(st.integers(0, top), st.integers(0, top)).map(sorted)
    return ends.map(lambda found: {"field": field, "between": found})


def _one_of(field: str, values: list[Any]) -> st.SearchStrategy[Definition]:
    several = st.lists(st.sampled_from(values), min_size=1, max_size=3)
    return several.map(lambda found: {"field": field, "in": found}) | st.sampled_from(values).map(
        lambda found: {"field": field, "is": found}
    )


def _exactly(
    field: str, value: st.SearchStrategy[int] | st.SearchStrategy[bool]
) -> st.SearchStrategy[Definition]:
    return st.fixed_dictionaries({"field": st.just(field), "is": value})


leaves: st.SearchStrategy[Definition] = st.one_of(
    [
        *(_one_of(field, values) for field, values in CHOICES.items()),
        *(_between(field, top) for field, top in RANGES.items()),
        *(_exactly(field, st.integers(0, top)) for field, top in RANGES.items()),
        *(_exactly(field, st.booleans()) for field in FLAGS),
    ]
)
definitions: st.SearchStrategy[Definition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


def holds(definition: Definition, person: Person, today: date) -> bool:
    """Whether the person is in the segment; what is not known of them is in no criterion."""
    if "all" in definition:
        return all(holds(part, person, today) for part in definition["all"])
    if "any" in definition:
        return any(holds(part, person, today) for part in definition["any"])
    if "not" in definition:
        return not holds(definition["not"], person, today)
    return _leaf_holds(definition, _values(definition["field"], person, today))


def _leaf_holds(leaf: Definition, values: list[Any]) -> bool:
    if "between" in leaf:
        low, high = leaf["between"]
        return any(low <= value <= high for value in values)
    wanted = leaf["in"] if "in" in leaf else [leaf["is"]]
    return any(value in wanted for value in values)


def _values(field: str, person: Person, today: date) -> list[Any]:
    """What the person has of a field: nothing, one value, or several services and campaigns."""
    match field:
        case "age":
            value: Any = whole_years(person["birth_on"], today)
        case "tenure_years":
            value = whole_years(person["joined_on"], today)
        case "service" | "in_campaign":
            return list(person[field])
        case _:
            value = person[field]
    return [] if value is None else [value]


def whole_years(since: date | None, today: date) -> int | None:
    """Birthdays that have passed."""
    if since is None:
        return None
    return today.year - since.year - ((today.month, today.day) < (since.month, since.day))
