"""README.es.md says what README.md says, and both what is true of the installation."""

import re

import pytest

from infra.native.run import ROOT

ENGLISH, SPANISH = ((ROOT / name).read_text() for name in ("README.md", "README.es.md"))
MAKEFILE = (ROOT / "Makefile").read_text()


def headings(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^(#+) ", prose, re.MULTILINE)


def links(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)|<(http[^>]+)>", text)
    return sorted("".join(pair) for pair in found if "README" not in "".join(pair))


def code(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return sorted(re.sub(r"\s+", " ", found) for found in re.findall(r"`([^`]+)`", prose))


def blocks(text: str) -> list[list[str]]:
    """The first word or two of each line of the blocks of code."""
    found = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        [re.split(r"\s{2,}", line.strip())[0] for line in block.splitlines()] for block in found
    ]


@pytest.mark.parametrize("part", [headings, links, code, blocks])
def test_both_languages_have_the_same(part: object) -> None:
    assert callable(part)
    assert part(SPANISH) == part(ENGLISH)


def test_paragraphs_and_table_rows_are_as_many() -> None:
    def shape(text: str) -> list[int]:
        return [len(re.findall(r"^[|-] ?", part, re.MULTILINE)) for part in text.split("\n\n")]

    assert shape(SPANISH) == shape(ENGLISH)


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", "\n".join(code(ENGLISH)))) <= targets


def test_every_package_that_may_be_installed_is_named() -> None:
    script = (ROOT / "infra/native/packages.sh").read_text()
    installed = set(" ".join(re.findall(r"lack '?([a-z0-9. -]+?)'? '", script)).split())
    assert installed == {
        "python3.11",
        "python3.11-venv",
        "rabbitmq-server",
        "redis-server",
        "postgresql",
        "chromium",
    }
    assert installed <= set(code(ENGLISH))
