"""Files that a reader takes in: longer ones are two topics."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lengths(*patterns: str) -> dict[str, int]:
    found = (path for pattern in patterns for path in ROOT.glob(pattern))
    return {
        str(path.relative_to(ROOT)): path.read_text().count("\n")
        for path in found
        if "node_modules" not in path.parts and "contracts" not in path.parts
    }


def test_no_file_of_the_product_passes_four_hundred_lines() -> None:
    every = lengths("shared/**/*.py", "services/**/*.py", "infra/**/*.py")
    assert len(every) > 200
    assert {name: lines for name, lines in every.items() if lines > 400} == {}


def test_the_doors_of_a_room_are_split_by_topic_before_they_fill_a_file() -> None:
    doors = lengths("services/*/service.py", "services/*/news.py", "services/*/*_doors.py")
    assert {name: lines for name, lines in doors.items() if lines > 320} == {}


def test_the_api_is_a_table() -> None:
    files = ROOT.glob("services/gateway/api/*.py")
    declared = re.compile(r"^@?api\.(expose|get|post|put|patch|delete)\(", re.MULTILINE)
    routes = sum(len(declared.findall(path.read_text())) for path in files)
    assert routes > 80
    assert sum(lengths("services/gateway/api/*.py").values()) < 6.5 * routes
