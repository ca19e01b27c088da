"""The parameters of page addresses are Spanish, in routes, links and forms alike."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from services.gateway import addresses, rendering, routes

TEMPLATES = Path(rendering.__file__).parent / "templates"
SOURCES = Path(rendering.__file__).parent / "static/src"
WORDS = {
    "quien",
    "sistema",
    "accion",
    "al",
    "ancho",
    "asesor",
    "buscar",
    "campana",
    "canal",
    "categoria",
    "cedula",
    "cliente",
    "definicion",
    "del",
    "desde",
    "detalle",
    "dia",
    "estado",
    "fase",
    "fecha",
    "finalidad",
    "formato",
    "habilitado",
    "listas",
    "motivo",
    "orden",
    "provincia",
    "resultado",
    "rol",
    "segmento",
    "usuario",
    "valor",
    "vista",
    "visto",
    "volver",
}
LINK = re.compile(r"[?&](\w+)=")
CHANGED = re.compile(r"\burl_with\(([^)]*)\)")
FORM = re.compile(r'<form method="get".*?</form>', re.DOTALL)
FIELD = re.compile(r'\bname="(\w+)"')


def parameters() -> Iterator[tuple[str, str]]:
    for info in pkgutil.iter_modules(routes.__path__):
        for route in import_module(f"{routes.__name__}.{info.name}").pages.router.routes:
            if isinstance(route, APIRoute):
                for part in (route.dependant, *route.dependant.dependencies):
                    yield from ((route.path, item.alias) for item in part.query_params)


def test_every_page_asks_for_spanish_words() -> None:
    found = list(parameters())
    assert len(found) > 30
    assert [(path, name) for path, name in found if name not in WORDS] == []


@pytest.mark.parametrize(
    "file",
    [*TEMPLATES.rglob("*.html"), *SOURCES.glob("*.js"), *TEMPLATES.parent.rglob("*.py")],
    ids=lambda file: file.name,
)
def test_every_link_and_every_filter_uses_them(file: Path) -> None:
    text = file.read_text()
    named = set(LINK.findall(text))
    named |= {word for call in CHANGED.findall(text) for word in re.findall(r"(\w+)=", call)}
    named |= {name for form in FORM.findall(text) for name in FIELD.findall(form)}
    assert named - WORDS == set()


def test_no_word_is_left_over() -> None:
    assert {name for _, name in parameters()} | set(addresses.LISTS.values()) == WORDS
