"""The main job through the public API, every figure checked against the others."""

import json

import pytest

from tests.product import Product, refusals


@pytest.mark.timeout(300)
def test_from_the_file_to_the_statistics_all_figures_agree(product: Product) -> None:
    figures = json.loads(product.ask("infra.demo.play").splitlines()[-1])
    assert figures["import"]["created"] == 5000
    assert figures["monthly"]["target"] == figures["campaign"]["transferred"] > 0
    assert set(figures["risk_checks"]) == {"known", "unknown"}
    assert figures["statistics"]["calls"] == 20
    assert refusals(product) == []
