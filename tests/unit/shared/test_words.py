"""The Spanish of a code stands at its enum, and nowhere else."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path

import pytest

import shared.contracts
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.customer_query import PersonalField
from shared.contracts.exports import ExportReason
from shared.contracts.risk_central import RiskCategory
from shared.permissions import Permission
from shared.words import Term, inside, list_terms

ROOT = Path(__file__).parents[3]
CONTRACTS = [
    import_module(f"shared.contracts.{module.name}")
    for module in pkgutil.iter_modules(shared.contracts.__path__)
]
TERMS = [term for term in list_terms() if term.__module__.startswith("shared.") and len(term)]
# Sentences and codes of their own: permissions name pages, a bureau's category is its own word,
# the record says what people do ("Creó") and with what ("Clientes"); fields and reasons are words
# of every page.
NOT_STATES = (Permission, RiskCategory, AuditAction, AuditKind, PersonalField, ExportReason)
HOMES = {Path(inspect.getfile(term)) for term in TERMS}  # where words are declared
SOURCES = [
    path
    for pattern in ("services/**/*.py", "shared/**/*.py", "infra/demo/*.py", "services/**/*.html")
    for path in ROOT.glob(pattern)
    if not {"node_modules", "migrations"} & set(path.parts) and path not in HOMES
] + sorted((ROOT / "services/gateway/static/src").glob("*.js"))
ELSEWHERE = {  # words that are also said of something that is no state
    "Correo": "a person's address, and the page of a campaign's mail",
    "correo": "the address as a file and a download name it",
    "Teléfono": "a person's number",
    "Asesor": "a column of people",
    "Asesores": "a heading over people",
    "asesor": "the name of a parameter in an address",
    "asesores": "the name of a download",
    "supervisor": "the name of a user of the demo data",
    "backoffice": "the same",
    "Administrador": "the same",
    "Nuevo": "a page that makes a new thing",
    "Nuevos": "rows that an import brought",
    "Por provincia": "the title of a chart",
    "Mensual": "the name of a page",
    "Consentimiento": "a column of the ledger of consents",
    "importación": "how a consent came, as the ledger keeps it",
    "llamada": "the same",
    "leal": "a value in an example of a design",
}
STRING = re.compile(r'"([^"<>{}]*)"|>([^<>{}]+)<|\'([^\'<>]*)\'')


def words_of_states() -> set[str]:
    states = [term for term in TERMS if not issubclass(term, NOT_STATES)]
    words = {word for term in states for item in term for word in (item.word, item.plural)}
    return words | {inside(word) for word in words}


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of the code, docstrings left out; strings and texts of a template or script."""
    if path.suffix == ".py":
        yield from _constants(ast.parse(path.read_text()))
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for found in STRING.finditer(line):
            yield number, next(text for text in (*found.groups(), "") if text is not None)


def _constants(tree: ast.Module) -> Iterator[tuple[int, str]]:
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


@pytest.mark.parametrize("module", CONTRACTS, ids=lambda module: module.__name__)
def test_every_enum_of_a_contract_has_words(module: object) -> None:
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, Enum) and value is not Term:
            assert issubclass(value, Term), value


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.__name__)
def test_every_value_has_a_word_of_its_own(term: type[Term]) -> None:
    words = [item.word for item in term]
    assert all(word.strip() for word in words)
    assert len(set(words)) == len(words)


def test_a_value_without_a_word_is_refused() -> None:
    with pytest.raises(TypeError, match="has no word"):

        class WordlessTest(Term):
            _NOTHING = "nothing"


def test_a_term_is_its_code_wherever_it_is_compared_or_sent() -> None:
    for item in (item for term in TERMS for item in term):
        assert item == item.value == str(item) == f"{item}"
        assert type(item.value) is str
        assert type(item)(item.value) is item


def test_no_word_of_a_state_is_written_a_second_time() -> None:
    words = words_of_states() - ELSEWHERE.keys()
    again = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in SOURCES
        for line, text in literals(path)
        if text.strip().rstrip(":") in words
    ]
    assert again == []


def test_every_exception_is_still_needed() -> None:
    written = {text.strip().rstrip(":") for path in SOURCES for _, text in literals(path)}
    assert ELSEWHERE.keys() <= written & words_of_states()


def test_no_template_compares_a_state_with_a_bare_code() -> None:
    codes = {item.value for term in TERMS if not issubclass(term, NOT_STATES) for item in term}
    bare = re.compile(r"\.(?:state|phase|kind|result|offer|empty)\b(?: not)? (?:==|!=|in) ([^%}]*)")
    found = [
        f"{path.name}: {compared}"
        for path in SOURCES
        if path.suffix == ".html"
        for compared in bare.findall(path.read_text())
        if set(re.findall(r'"(\w+)"', compared)) & codes
    ]
    assert found == []


@pytest.mark.parametrize(
    ("word", "within"),
    [("En cierre", "en cierre"), ("A pedido", "a pedido"), ("A1", "A1"), ("E", "E"), ("", "")],
)
def test_a_word_inside_a_sentence(word: str, within: str) -> None:
    assert inside(word) == within
