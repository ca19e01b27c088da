"""The bureau's rules, without Redis."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk_central import store
from services.risk_central.rules import MAX_LIMIT, check_limit, matches, parse_name, rank
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.ecuador.names import tokens

names = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())


def person(full_name: str, cedula: str = "1714307103") -> RiskReport:
    return RiskReport(
        cedula=cedula,
        full_name=full_name,
        category=RiskCategory.A1,
        score=900,
        total_debt=Decimal("0.00"),
        days_overdue=0,
        reported_on=date(2026, 10, 31),
        source="Banca",
    )


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
    assert matches(words[:count], person("Guamán Quishpe María José"))


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
    assert matches(words, person("Guamán Quishpe María José")) is found


def test_the_closest_name_comes_first() -> None:
    people = [person("Pérez Loor Ana María"), person("Pérez Ana"), person("Pérez Anabel")]
    best = rank(["ana", "perez"], people, 2)
    assert [report.full_name for report in best] == ["Pérez Ana", "Pérez Anabel"]


@given(st.text(max_size=250))
def test_a_name_is_words_or_refused(text: str) -> None:
    try:
        words = parse_name(text)
    except ValueError:
        return
    assert 1 <= len(words) == len(set(words)) <= 10
    assert set(words) == set(tokens(text))


def test_the_limit_has_bounds() -> None:
    assert (check_limit(None), check_limit(5), check_limit(10_000)) == (20, 5, MAX_LIMIT)
    with pytest.raises(ValueError, match="1 a 100"):
        check_limit(0)
