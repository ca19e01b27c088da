"""Documents made from the code: `python -m infra.glossary` writes them anew.

The glossary from the enums' words, and the criteria of a segment in the marketing head's manual.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import shared.contracts
from shared.contracts.criteria import CRITERIA, Criterion, Flag, Range
from shared.words import Term, list_terms

DOCS = Path(__file__).parents[1] / "docs"
GLOSSARY = DOCS / "glossary.md"
MANUAL = DOCS / "manual" / "jefe-de-marketing.md"
BEGIN, END = "<!-- criterios -->\n", "<!-- fin de los criterios -->\n"
_HEAD = """# Glossary

The Spanish of the pages and the English of the code, made from the enums of `shared/contracts/` by
`python -m infra.glossary`. A word is changed at its enum; the code is what is sent and stored.
"""


def main() -> None:
    """Write each document as it should be."""
    for path, text in documents().items():
        path.write_text(text)


def documents() -> dict[Path, str]:
    """Each document made from the code, as it should be."""
    return {GLOSSARY: glossary(), MANUAL: manual(MANUAL.read_text())}


def glossary() -> str:
    """A table for each enum, by the contract that declares it."""
    return "\n".join([_HEAD, *(line for term in _terms() for line in _table(term))])


def manual(text: str) -> str:
    """The manual with its table of criteria as the builder offers them."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [f"| {_capital(item.label)} | {_use(item)} | `{item.key}` |" for item in criteria()]
    head = ["| criterio | se indica | en la API |", "| --- | --- | --- |"]
    return before + BEGIN + "\n".join(["", *head, *rows, "", ""]) + END + after


def criteria() -> Iterator[Criterion]:
    """In the order of the builder's menu."""
    yield from CRITERIA.values()


def _terms() -> list[type[Term]]:
    for module in pkgutil.iter_modules(shared.contracts.__path__):
        import_module(f"shared.contracts.{module.name}")
    home = "shared.contracts."
    declared = [term for term in list_terms() if term.__module__.startswith(home)]
    return sorted(declared, key=lambda term: (term.__module__, term.__name__))


def _table(term: type[Term]) -> Iterator[str]:
    home = term.__module__.rpartition(".")[2]
    yield f"## `{term.__name__}` ({home})\n"
    yield f"{(term.__doc__ or '').strip().partition(chr(10))[0]}\n"
    yield "| page (es-EC) | several | code |"
    yield "| --- | --- | --- |"
    for item in term:
        several = item.plural if item.plural != item.word else ""
        yield f"| {item.word} | {several} | `{item.value}` |"
    yield ""


def _use(criterion: Criterion) -> str:
    if isinstance(criterion, Range):
        return f"desde y hasta, en {criterion.unit}"
    if isinstance(criterion, Flag):
        return "sí o no"
    return "uno o varios valores"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    main()
