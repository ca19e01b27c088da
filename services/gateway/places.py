"""Provinces and cantons as forms and tables show them."""

from functools import cache

from shared.ecuador import provinces

Option = tuple[str, str]


@cache
def province_options() -> tuple[Option, ...]:
    """Code and name of each province, by name."""
    found = ((province.code, province.name) for province in provinces.provinces())
    return tuple(sorted(found, key=lambda option: option[1]))


@cache
def canton_options() -> tuple[tuple[str, tuple[Option, ...]], ...]:
    """Each province's name with code and name of its cantons, by name."""
    return tuple(
        (name, tuple((canton.code, canton.name) for canton in provinces.cantons_of(code)))
        for code, name in province_options()
    )


@cache
def _names() -> dict[str, str]:
    cantons = {canton.code: canton.name for canton in provinces.cantons()}
    return dict(province_options()) | cantons


def place(canton: str | None, province: str | None) -> str:
    """`Quito, Pichincha`, as much of it as is known."""
    return ", ".join(_names().get(code, code) for code in (canton, province) if code)
