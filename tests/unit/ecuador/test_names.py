"""Names as they are compared."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ecuador.names import fold, tokens


def test_accents_case_and_spaces_do_not_matter() -> None:
    assert fold("  ÑÚÑEZ   Peña ") == "nunez pena"
    assert tokens("García-Moreno, María José") == ["garcia", "moreno", "maria", "jose"]


@settings(deadline=None)  # the tables of other scripts are read when the first letter comes
@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
