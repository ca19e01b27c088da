"""The risk file of the demo: what a bureau would know of the generated customers."""

import argparse
import math
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta

from infra.demo.customers import AS_OF, customers
from infra.demo.generate_file import Row, write_rows

COLUMNS = (
    "cedula",
    "full_name",
    "category",
    "score",
    "total_debt",
    "days_overdue",
    "reported_on",
    "source",
)
# category: (share in percent, lowest and highest score, lowest and highest days overdue)
_BANDS = {
    "A1": (45, (850, 999), (0, 0)),
    "A2": (15, (780, 849), (1, 8)),
    "A3": (10, (720, 779), (9, 15)),
    "B1": (7, (650, 719), (16, 30)),
    "B2": (5, (580, 649), (31, 45)),
    "C1": (5, (480, 579), (46, 70)),
    "C2": (4, (380, 479), (71, 90)),
    "D": (4, (220, 379), (91, 120)),
    "E": (5, (1, 219), (121, 1500)),
}
_SOURCES = ("Banca", "Cooperativas", "Casas comerciales", "Telefonía")
_SOURCE_WEIGHTS = (46, 27, 18, 9)
KNOWN_SHARE = 0.9
_DEBT_FREE_SHARE = 0.3
_DEBT_MEDIAN = 1400


def risk_rows(
    people: Iterable[Row], seed: int = 1, known_share: float = KNOWN_SHARE
) -> Iterator[Row]:
    """A row for so many of the customers; the rest is unknown to the bureau."""
    rng = random.Random(seed)  # noqa: S311  # repeatable data, no secret
    shares = [share for share, _, _ in _BANDS.values()]
    for person in people:
        known, category = rng.random() < known_share, rng.choices(tuple(_BANDS), shares)[0]
        row = _row(rng, person, category)
        if known:
            yield row


def _row(rng: random.Random, person: Row, category: str) -> Row:
    _, scores, overdue = _BANDS[category]
    return {
        "cedula": person["cedula"],
        "full_name": f"{person['apellidos']} {person['nombres']}",
        "category": category,
        "score": str(rng.randint(*scores)),
        "total_debt": f"{_debt(rng, category):.2f}",
        "days_overdue": str(rng.randint(*overdue)),
        "reported_on": (AS_OF - timedelta(days=rng.randrange(60))).isoformat(),
        "source": rng.choices(_SOURCES, _SOURCE_WEIGHTS)[0],
    }


def _debt(rng: random.Random, category: str) -> float:
    if category == "A1" and rng.random() < _DEBT_FREE_SHARE:
        return 0.0
    return rng.lognormvariate(math.log(_DEBT_MEDIAN), 1.0)


def main() -> None:
    """Write the risk file of the first N customers of a seed from a shell."""
    parser = argparse.ArgumentParser(description="Write the risk file of generated customers.")
    parser.add_argument("n", type=int, help="customers, of whom about 90 % are known")
    parser.add_argument("path", help="FILE.csv")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    people = customers(arguments.n, arguments.seed)
    rows = risk_rows(people, arguments.seed)
    write_rows(arguments.path, COLUMNS, rows, total=arguments.n)


if __name__ == "__main__":
    main()
