"""Customers who could live in Ecuador, the same for the same seed, in the customer file's format.

Rows are drawn in batches by attribute, so a million take about half a minute and flat memory.
"""

import argparse
import math
import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import accumulate, islice
from typing import TypeVar

from infra.demo import names
from infra.demo.generate_defects import DEFECTS
from infra.demo.generate_file import Row, write_rows
from shared.ecuador import provinces
from shared.ecuador.cedula import ISSUED_ABROAD
from shared.ecuador.names import fold

T = TypeVar("T")

COLUMNS = (
    "cedula",
    "nombres",
    "apellidos",
    "genero",
    "fecha_nacimiento",
    "ingresos",
    "provincia",
    "canton",
    "direccion",
    "email",
    "telefono",
    "fecha_alta",
    "categoria",
    "acepta_correo",
    "acepta_llamadas",
)
AS_OF = date(2026, 11, 1)  # ages and tenures are drawn for this day, so that files never change

_BATCH = 2000
_BODIES = 6_000_000  # cédula numbers per province: a third digit under 6 and six more digits
_STEP = 2_750_159  # coprime to _BODIES: walks through all of them in a scattered order
_PREFIX_SHIFT = 173_227  # so that the provinces do not issue the same numbers
_SEED_GAP = 7_919  # how far apart two seeds start in that walk
_ISSUED_ABROAD_SHARE = 0.01
_ISSUED_AT_HOME_SHARE = 0.85
_CAPITAL_SHARE = 0.55
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # Luhn: twice a digit, its digits summed
_INCOME_MEDIAN = 550
_INCOME_SIGMA = 0.55
_MOBILE_PREFIXES = ("98", "99", "96", "97", "95", "939")
_MOBILE_WEIGHTS = (34, 34, 14, 8, 7, 3)
_AGE_BANDS = ((18, 25), (25, 35), (35, 45), (45, 55), (55, 65), (65, 75), (75, 90))
_AGE_WEIGHTS = (13, 22, 21, 17, 13, 9, 5)
_YEARS_AS_CUSTOMER = 25


def customers(n: int, seed: int = 1) -> Iterator[Row]:
    """The first `n` customers of a seed; a larger `n` starts with the same ones.

    Cédulas and e-mail addresses are unique in a seed; two seeds whose difference is under 750
    share none either while each has fewer than 25,000 customers.
    """
    rng = random.Random(seed)  # noqa: S311  # repeatable data, no secret
    cedulas = _Cedulas(seed)
    return islice(_endless(rng, cedulas), n)


def bad_rows(n: int, seed: int = 1) -> Iterator[tuple[str, Row]]:
    """`n` customers each wrong in one way, with the way's name (see `DEFECTS`)."""
    return ((defect, row) for defect, row in mixed_rows(n, n, seed) if defect)


def mixed_rows(good: int, bad: int, seed: int = 1) -> Iterator[tuple[str, Row]]:
    """Good rows (named "") with bad ones spread evenly among them, never the first.

    A repeated cédula is that of the good row before it.
    """
    total, made, previous = good + bad, 0, {}
    for number, row in enumerate(customers(total, seed), start=1):
        if made == number * bad // total:
            previous = row
            yield "", row
        else:
            name = tuple(DEFECTS)[made % len(DEFECTS)]
            made += 1
            yield name, DEFECTS[name](row, previous)


def write_file(path: str, good: int = 5000, bad: int = 50, seed: int = 1) -> None:
    """Write a customer file, CSV or (by its name) XLSX; progress goes to standard error."""
    rows = (row for _, row in mixed_rows(good, bad, seed))
    write_rows(path, COLUMNS, rows, total=good + bad)


class _Cedulas:
    """Cédulas that never repeat: each province walks its own numbers in a scattered order."""

    def __init__(self, seed: int) -> None:
        self._start = seed * _SEED_GAP
        self._issued: dict[str, int] = {}

    def take(self, prefix: str) -> str:
        """The next cédula issued in a province. Raises ValueError when all are taken."""
        number = self._issued.get(prefix, 0)
        if number >= _BODIES:
            raise ValueError(f"all cédulas of province {prefix} are used up")
        self._issued[prefix] = number + 1
        place = (self._start + number) * _STEP + int(prefix) * _PREFIX_SHIFT
        body = f"{prefix}{place % _BODIES:07}"
        return body + _check_digit(body)


def _check_digit(body: str) -> str:
    digits = [int(digit) for digit in body]
    total = sum(_DOUBLED[digit] for digit in digits[::2]) + sum(digits[1::2])
    return str(-total % 10)


def _endless(rng: random.Random, cedulas: _Cedulas) -> Iterator[Row]:
    while True:
        genders = rng.choices("FMX", (505, 492, 3), k=_BATCH)
        homes = _draw(rng, tuple(provinces.provinces()), _province_weights())
        ages = _draw(rng, _AGE_BANDS, _AGE_WEIGHTS)
        for gender, home, band in zip(genders, homes, ages, strict=True):
            yield _customer(rng, cedulas, gender, home, band)


def _customer(
    rng: random.Random,
    cedulas: _Cedulas,
    gender: str,
    home: provinces.Province,
    band: tuple[int, int],
) -> Row:
    cedula = cedulas.take(_issued_in(rng, home.code))
    given, surnames = _given_names(rng, gender), _surnames(rng, home.region)
    born = AS_OF - timedelta(days=int(rng.uniform(band[0], band[1]) * 365.25) + 6)
    return {
        "cedula": cedula,
        "nombres": given,
        "apellidos": surnames,
        "genero": gender,
        "fecha_nacimiento": born.isoformat(),
        "ingresos": f"{_income(rng):.2f}",
        "provincia": home.name,
        "canton": _canton(rng, home.code),
        "direccion": _address(rng),
        "email": _email(rng, given, surnames, cedula),
        "telefono": _mobile(rng),
        "fecha_alta": _joined_on(rng, born).isoformat(),
        "categoria": "",
        "acepta_correo": "sí" if rng.random() < 0.72 else "no",
        "acepta_llamadas": "sí" if rng.random() < 0.65 else "no",
    }


def _draw(rng: random.Random, values: tuple[T, ...], weights: tuple[float, ...]) -> list[T]:
    return rng.choices(values, weights, k=_BATCH)


@cache
def _province_weights() -> tuple[float, ...]:
    return tuple(province.population_thousands for province in provinces.provinces())


@cache
def _ranked(values: tuple[str, ...]) -> list[float]:
    return list(accumulate(names.rank_weights(len(values))))


def _pick(rng: random.Random, values: tuple[str, ...]) -> str:
    return rng.choices(values, cum_weights=_ranked(values))[0]


def _issued_in(rng: random.Random, home_code: str) -> str:
    chance = rng.random()
    if chance < _ISSUED_AT_HOME_SHARE:
        return home_code
    if chance > 1 - _ISSUED_ABROAD_SHARE:
        return ISSUED_ABROAD
    return rng.choices(provinces.provinces(), _province_weights())[0].code


def _given_names(rng: random.Random, gender: str) -> str:
    as_woman = gender == "F" or (gender == "X" and rng.random() < 0.5)
    first = _pick(rng, names.WOMEN if as_woman else names.MEN)
    second = _pick(rng, names.WOMEN_SECOND if as_woman else names.MEN_SECOND)
    return first if second == first or rng.random() < 0.22 else f"{first} {second}"


def _surnames(rng: random.Random, region: str) -> str:
    regional = names.REGIONAL_SURNAMES[region]
    return " ".join(
        _pick(rng, regional if rng.random() < 0.3 else names.SURNAMES) for _ in range(2)
    )


def _income(rng: random.Random) -> float:
    return rng.lognormvariate(math.log(_INCOME_MEDIAN), _INCOME_SIGMA)


def _canton(rng: random.Random, province_code: str) -> str:
    """INEC numbers a province's capital first."""
    capital, *others = provinces.cantons_of(province_code)
    if not others or rng.random() < _CAPITAL_SHARE:
        return capital.name
    return rng.choice(others).name


def _address(rng: random.Random) -> str:
    street, corner = _pick(rng, names.STREETS), _pick(rng, names.STREETS)
    number = rng.randrange(1, 120)
    if corner == street:
        return f"Av. {street} {number}"
    return f"{street} N{number}-{rng.randrange(10, 300)} y {corner}"


def _email(rng: random.Random, given: str, surnames: str, cedula: str) -> str:
    if rng.random() > 0.85:
        return ""
    name = f"{_folded(given.split()[0])}.{_folded(surnames.split()[0])}"
    return f"{name}{cedula[:9]}@{rng.choice(names.MAIL_DOMAINS)}"


@cache
def _folded(name: str) -> str:
    return fold(name)


def _mobile(rng: random.Random) -> str:
    if rng.random() > 0.92:
        return ""
    prefix = rng.choices(_MOBILE_PREFIXES, _MOBILE_WEIGHTS)[0]
    third = {"96": "0123679", "97": "89", "95": "89"}.get(prefix, "0123456789")
    rest = f"{rng.randrange(10_000_000):07}"
    return f"+593{prefix}{rng.choice(third)}{rest}"[:13]


def _joined_on(rng: random.Random, born: date) -> date:
    grown_up_days = (AS_OF - born).days - 18 * 365 - 5
    most = min(_YEARS_AS_CUSTOMER * 365, grown_up_days)
    return AS_OF - timedelta(days=int(rng.random() ** 1.6 * most))


def main() -> None:
    """Write a file of N customers from a shell."""
    parser = argparse.ArgumentParser(description="Write a customer file of any size.")
    parser.add_argument("n", type=int, help="good customers")
    parser.add_argument("path", help="FILE.csv or FILE.xlsx")
    parser.add_argument("--bad", type=int, default=0, help="bad rows among them")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write_file(arguments.path, arguments.n, arguments.bad, arguments.seed)


if __name__ == "__main__":
    main()
