"""Documents that are made from the code are as the code would make them."""

from pathlib import Path

import pytest

from infra import glossary
from shared.contracts.criteria import CRITERIA
from shared.words import list_terms


@pytest.mark.parametrize("path", glossary.documents(), ids=lambda path: path.name)
def test_a_document_made_from_the_code_is_not_stale(path: Path) -> None:
    assert path.read_text() == glossary.documents()[path], "run python -m infra.glossary"


def test_the_glossary_has_every_word() -> None:
    lines = glossary.GLOSSARY.read_text().splitlines()
    for term in list_terms():
        if term.__module__.startswith("shared."):
            for item in term:
                assert any(
                    f"| {item.word} |" in line and f"`{item.value}`" in line for line in lines
                )


def test_the_manual_names_every_criterion() -> None:
    text = glossary.MANUAL.read_text()
    assert all(f"`{key}` |" in text for key in CRITERIA)
