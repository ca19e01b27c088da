"""The bureau's rules, without Redis."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.risk_central import names as person_names
from services.risk_central import store
from services.risk_central.names import Name, Words, rank, readings
from services.risk_central.rules import MAX_LIMIT, check_limit, parse_name
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.ecuador.names import tokens


def matches(asked: list[Words], name: str) -> bool:
    return Name(name).matches(asked)


names = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())


@given(
    st.builds(
        RiskReport,
        cedula=st.just("1714307103"),
        full_name=names,
        category=st.sampled_from(RiskCategory),
        score=st.integers(0, 999),
        total_debt=st.decimals(0, 999_999_999_999, places=2),
        days_overdue=st.integers(0, 65_535),
        reported_on=st.dates(date(1970, 1, 1), date(2149, 1, 1)),
        source=names,
    )
)
def test_a_report_comes_back_from_its_packed_form(report: RiskReport) -> None:
    assert store.unpack(report.cedula, store.pack(report)) == report


@given(st.permutations(["maria", "jose", "guaman", "quishpe"]), st.integers(1, 4))
def test_any_words_in_any_order_match(words: list[str], count: int) -> None:
    assert matches([tuple(words[:count])], "Guamán Quishpe María José")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["mar", "gua"], True),
        (["maria", "mar"], False),
        (["aman"], False),
        (["guaman", "guaman"], False),
    ],
)
def test_a_beginning_matches_one_word(words: list[str], *, found: bool) -> None:
    assert matches([tuple(words)], "Guamán Quishpe María José") is found


def best(asked: str, *people: str) -> list[str]:
    return [people[place] for place in rank(asked, [Name(name) for name in people], 2)]


def test_the_closest_name_comes_first() -> None:
    people = ["Pérez Loor Ana María", "Pérez Ana", "Pérez Anabel"]
    assert best("ana perez", *people) == ["Pérez Ana", "Pérez Anabel"]


def test_an_enye_that_is_asked_for_goes_before_closeness() -> None:
    people = ["Canas", "Cañas Ruiz Ana", "Canas Luz"]
    assert best("cañas", *people) == ["Cañas Ruiz Ana", "Canas"]
    assert best("can\u0303as", *people)[0] == "Cañas Ruiz Ana"  # as some keyboards write it
    assert best("CAÑAS ana", *people)[0] == "Cañas Ruiz Ana"


def test_of_names_as_close_the_one_that_is_written_as_asked_comes_first() -> None:
    assert best("canas", "Cañas", "Canas") == ["Canas", "Cañas"]
    assert best("josé", "Jose", "José") == ["José", "Jose"]
    assert best("guaman maria", "Guaman Zurita Maria Jose", "Guamán María")[0] == "Guamán María"


@pytest.mark.parametrize(
    ("asked", "name", "found"),
    [
        ("obrien", "O'Brien Ana", True),
        ("o'brien", "O’Brien Ana", True),
        ("O´Brien", "O'Brien Ana", True),
        ("o brien", "O'Brien Ana", True),
        ("brien", "O'Brien Ana", True),
        ("o'brien", "Obrien Ana", True),
        ("o'brien", "O Brien Ana", True),
        ("dangelo ana", "Ana D'Angelo", True),
        ("obr", "O'Brien Ana", True),
        ("obrien brien", "O'Brien Ana", False),
        ("juan juan", "Juan Pérez", False),
        ("juan juan", "Juan Pérez Juana", True),
        ("juan juan", "Pérez Juan Juan", True),
    ],
)
def test_an_apostrophe_joins_or_parts_and_a_word_counts_once(
    asked: str, name: str, *, found: bool
) -> None:
    assert matches(readings(asked), name) is found


@given(st.text(max_size=60))
@example("Kaʻiulani")  # an apostrophe only when it is folded
@example("𖢡0")
def test_a_name_is_found_by_its_own_words(name: str) -> None:
    assert matches(readings(name), name)
    for reading in readings(name):
        assert set(reading) <= person_names.index_words(name)


@given(st.text(max_size=250))
def test_a_name_is_words_or_refused(text: str) -> None:
    try:
        asked = parse_name(text)
    except ValueError:
        return
    assert asked == text
    assert 1 <= len(tokens(text)) <= 10


def test_the_limit_has_bounds() -> None:
    assert (check_limit(None), check_limit(5), check_limit(10_000)) == (20, 5, MAX_LIMIT)
    with pytest.raises(ValueError, match="1 a 100"):
        check_limit(0)
