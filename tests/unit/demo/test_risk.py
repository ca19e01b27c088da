"""The demo's risk file fits its customers and itself."""

from collections import Counter

from infra.demo.customers import customers
from infra.demo.risk import COLUMNS, risk_rows
from services.risk_central.load import RISKS
from shared.loads.fields import map_columns
from shared.loads.load import Checker


def test_every_row_is_one_the_bureau_takes() -> None:
    checker = Checker(RISKS, COLUMNS, map_columns(RISKS.fields, COLUMNS, None))
    for row in risk_rows(customers(1000)):
        assert tuple(row) == COLUMNS
        checker.read(list(row.values()))


def test_about_nine_of_ten_are_known_and_most_are_good() -> None:
    rows = list(risk_rows(customers(5000)))
    assert 0.88 < len(rows) / 5000 < 0.92
    categories = Counter(row["category"] for row in rows)
    assert len(categories) == 9
    assert 0.42 < categories["A1"] / len(rows) < 0.48


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(risk_rows(customers(50))) == list(risk_rows(customers(50)))
