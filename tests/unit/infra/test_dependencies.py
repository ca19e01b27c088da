"""What the product declares to need is what it imports or runs."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"shared", "services", "infra", "tests", "_typeshed"}
PRODUCT = ("shared", "services", "infra")
# What nothing imports: programs, and what others look for by themselves
UNIMPORTED = {
    "granian": "serves SOAP",
    "hiredis": "redis reads faster with it",
    "msgpack": "kombu's serializer of transfer chunks",
    "setuptools": "nameko imports pkg_resources",
    "supervisor": "keeps the processes of the native stack",
}
# Libraries whose public classes come in another one's package
THROUGH = {
    "amqp": "kombu",
    "billiard": "celery",
    "botocore": "boto3",
    "h11": "uvicorn",
    "kombu": "celery",
    "markupsafe": "jinja2",
    "python-dotenv": "pydantic-settings",
    "requests": "zeep",
    "starlette": "fastapi",
}
TOOLS = {
    "check-jsonschema",
    "flask",
    "flask-cors",
    "import-linter",
    "moto",
    "mypy",
    "pytest-timeout",
    "ruff",
    "schemathesis",
    "vulture",
}


def imported(*folders: str) -> set[str]:
    """Names of the distributions that the code under these folders imports."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    owners = packages_distributions()
    outside = found - OWN - set(sys.stdlib_module_names)
    return {normal(owners.get(name, [name])[0]) for name in outside}


def normal(name: str) -> str:
    return re.split(r"[\[<>=~! ]", name)[0].lower().replace("_", "-")


def declared(requirements: list[str]) -> list[str]:
    return [normal(item) for item in requirements]


@pytest.mark.parametrize(
    "requirements", [PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"]]
)
def test_nothing_is_named_twice_and_all_are_in_order(requirements: list[str]) -> None:
    names = declared(requirements)
    assert names == sorted(set(names))


def test_what_is_declared_is_used() -> None:
    unused = set(declared(PROJECT["dependencies"])) - imported(*PRODUCT)
    assert unused == set(UNIMPORTED)


def test_tools_of_the_tests_are_used() -> None:
    stubs = {name for name in declared(PROJECT["optional-dependencies"]["dev"]) if "types-" in name}
    names = set(declared(PROJECT["optional-dependencies"]["dev"])) - stubs - {"lxml-stubs"}
    assert names - imported("tests") == TOOLS


def test_what_is_imported_is_declared() -> None:
    assert imported(*PRODUCT) - set(declared(PROJECT["dependencies"])) <= set(THROUGH)
