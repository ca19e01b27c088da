"""What the documents name exists: files between backticks, targets of links, and headings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "README.es.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "services").glob("*/README.md")),
]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?)(?:::\w+)?`")
TEST = re.compile(r"`(?:([\w/]+\.py))?::(\w+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return BLOCK.sub("", document.read_text())


def anchors(document: Path) -> set[str]:
    """The names that links give to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", item).strip().lower().replace(" ", "-") for item in headings}


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_path_between_backticks_exists(document: Path) -> None:
    homes = (ROOT, ROOT / "services", ROOT / "services/gateway", document.parent)
    named = PATH.findall(prose(document))
    assert [path for path in named if not any((home / path).exists() for home in homes)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(prose(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_test_that_is_named_exists(document: Path) -> None:
    """`path::name`, or `::name` for another one of the file named before."""
    file, missing = "", []
    for path, name in TEST.findall(prose(document)):
        file = path or file
        if f"def {name}(" not in (ROOT / file).read_text():
            missing.append(f"{file}::{name}")
    assert missing == []
