"""A drawn part of what `make hostile` sends: nothing breaks, hangs or is answered unclearly."""

import random
from collections.abc import Callable

import pytest

from tests.hostile import api_fields, page_fields, values, world
from tests.hostile.tally import Tally
from tests.product import Product

EACH = 2  # values a field; all of them by `make hostile`


@pytest.fixture(scope="module")
def made(product: Product) -> world.World:
    return world.make(product)


def test_every_form_of_a_page_is_known(made: world.World) -> None:
    """A new form that no page of this world shows is named in `page_fields`."""
    assert page_fields.forgotten_forms(made) == set()


@pytest.mark.parametrize("attack", [page_fields.attack, api_fields.attack])
def test_odd_values_in_every_field_break_nothing(
    made: world.World, attack: Callable[[world.World, int | None, int], Tally]
) -> None:
    seed = random.randrange(1_000_000)
    tally = attack(made, EACH, seed)
    assert tally.is_standing, f"SEED={seed}: {tally.line()}"
    assert tally.tried > 400


def test_there_are_at_least_200_values() -> None:
    assert len(values.TEXTS) >= 200
    assert len(list(values.raw_json())) >= 200
