"""RUCs of persons, companies and public bodies."""

import pytest

from shared.ecuador.ruc import RucKind, parse_identity, parse_ruc


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1714307103001", RucKind.PERSON),
        ("1792060346-001", RucKind.COMPANY),
        ("1760001550001", RucKind.PUBLIC_BODY),
    ],
)
def test_known_numbers_pass_without_warning(text: str, kind: RucKind) -> None:
    ruc = parse_ruc(text)
    assert (ruc.kind, ruc.warning) == (kind, None)


def test_a_company_whose_check_digit_fails_is_a_warning() -> None:
    assert "SRI" in (parse_ruc("1792060347001").warning or "")


def test_a_lost_leading_zero_is_given_back() -> None:
    assert parse_ruc("990000000001").number == "0990000000001"


@pytest.mark.parametrize("text", ["1714307104001", "1714307103000", "171430710300", "abc"])
def test_a_wrong_ruc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RUC"):
        parse_ruc(text)


def test_the_length_tells_cedula_and_ruc_apart() -> None:
    assert parse_identity("171430710-3") == "1714307103"
    assert parse_identity("1714307103001") == "1714307103001"
