"""What is written down of errors: never whose data they had."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from shared import faults, log
from shared.errors import Conflict
from shared.settings import settings

ANA = "1710034065"
NAME = "Ana Mora"  # never in a line of code below: those are shown


class Person(BaseModel):
    """Somebody."""

    cedula: int
    contacts: dict[str, int] = {}


def of(work: Callable[[], Any]) -> BaseException:
    """What a piece of work raises."""
    with pytest.raises(BaseException) as caught:
        work()
    return caught.value


def fail(error: BaseException) -> None:
    raise error


def database_error() -> IntegrityError:
    message = (
        'null value in column "name" of relation "person" violates not-null constraint\n'
        f"DETAIL:  Failing row contains (7, {ANA}, {NAME}, x@correo.example).\n"
        f'CONTEXT:  COPY person, line 2: "{ANA},{NAME}"\n'
    )
    return IntegrityError(f"INSERT … '{ANA}'", {"cedula": ANA}, psycopg2.IntegrityError(message))


def pair() -> None:
    try:
        fail(database_error())
    except IntegrityError:
        raise KeyError(f"{NAME} {ANA}") from None


def chain() -> None:
    try:
        fail(database_error())
    except IntegrityError as error:
        raise RuntimeError(f"row '{ANA}, {NAME}'") from error


ERRORS = {
    "python": lambda: int(f"{NAME} {ANA}"),
    "bytes": lambda: f"{ANA},Mu\xf1oz,{NAME}".encode("latin-1").decode(),
    "pydantic": lambda: Person.model_validate({"cedula": NAME}),
    "pydantic's key": lambda: Person.model_validate({"cedula": 1, "contacts": {NAME: "x"}}),
    "database": lambda: fail(database_error()),
    "copy": lambda: fail(
        psycopg2.DataError(f'invalid input syntax for type date: "{NAME}"\nCONTEXT:  COPY {ANA}')
    ),
    "key": pair,
    "chain": chain,
    "group": lambda: fail(ExceptionGroup("all", [ValueError(f"'{NAME}' {ANA}"), OSError("x")])),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_no_data_stands_in_what_is_written_down_of_an_error(kind: str) -> None:
    error = of(ERRORS[kind])
    for text in (faults.brief(error), faults.whole(error)):
        assert "Mora" not in text
        assert ANA not in text
        assert type(error).__name__ in text
    assert len(faults.brief(error)) <= faults.MOST
    assert __file__ in faults.whole(error)  # where it was is told


def test_what_is_left_says_what_is_wrong() -> None:
    assert "not-null constraint" in faults.brief(of(ERRORS["database"]))
    assert faults.brief(of(ERRORS["pydantic"])) == "ValidationError: Person: cedula int_parsing"
    assert faults.brief(Conflict("Ya hay otra carga.")) == "Conflict: Ya hay otra carga."
    assert faults.whole(of(ERRORS["chain"])).count("Error") >= 2


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the process has logged, as JSON lines."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("PREGON_LOG_FORMAT", "json")
    settings.cache_clear()
    log.set_up("test")
    yield stream.getvalue
    root.handlers[:], root.level = before
    settings.cache_clear()


@pytest.mark.parametrize("kind", ERRORS)
def test_no_data_stands_in_a_log_of_ours_or_of_a_librarys(kind: str, written: Any) -> None:
    error = of(ERRORS[kind])
    info = (type(error), error, error.__traceback__)
    log.get("ours").error("failed", exc_info=info)
    library = logging.getLogger("library")
    library.error("error handling worker %s: %s", "w", error, exc_info=info)
    library.error("failed: %(exc)s", {"exc": error})
    library.error(error)
    lines = [json.loads(line) for line in written().splitlines()]
    assert len(lines) == 4
    assert all("Mora" not in str(line) and ANA not in str(line) for line in lines)
    assert type(error).__name__ in lines[0]["exception"]


def test_texts_of_libraries_lose_rows_and_words_of_links(written: Any) -> None:
    library = logging.getLogger("library")
    library.error("ERROR\nDETAIL:  Failing row contains (Mora).\nmore")
    library.error("1 error\n  Input [type=x, input_value='Mora', input_type=str]")
    library.error("GET /baja/WzEsMl0.Mora_token-x?y HTTP/1.1 from https://a.b/baja/Mora.x")
    library.error("INSERT x\n[SQL: INSERT INTO a VALUES ('Mora')]\n[parameters: {'n': 'Mora'}]")
    said = written()
    assert "Mora" not in said
    assert "/baja/…?y HTTP/1.1" in json.loads(said.splitlines()[2])["event"]
