"""The main job through the public API, every figure checked against the others."""

from pathlib import Path

import pytest

from infra.demo.play import Play
from tests.product import Product


@pytest.fixture
def play(product: Product) -> Play:
    mail = Path(product.settings["PREGON_MAIL_CATCHER_DIR"])
    return Play(product.address, product.passwords, mail)


@pytest.mark.timeout(300)
def test_from_the_file_to_the_statistics_all_figures_agree(play: Play) -> None:
    play.run()
    assert play.figures["import"]["created"] == 5000
    assert play.figures["monthly"]["started_again"] == 0
    assert play.figures["statistics"]["calls"] == 20
