"""The bounds of the bureau's door, each at its edge."""

import base64
import io
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lxml import etree
from redis import Redis

from services.risk_central import door as door_module
from services.risk_central import name_index, rules, store
from services.risk_central.door import Door
from services.risk_central.load import load_file
from shared.redis import key
from shared.settings import settings
from tests.soap.people import PASSWORD, USER, cedula, csv_bytes, row

NS = "http://schemas.xmlsoap.org/soap/envelope/"
TNS = "urn:pregon:risk-central:v1"


def message(operation: str, content: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{NS}"><s:Body><{operation} xmlns="{TNS}">{content}'
        f"</{operation}></s:Body></s:Envelope>"
    ).encode()


def ask(door: Door, body: bytes, **changes: Any) -> tuple[str, bytes]:
    """Call the application in this process."""
    statuses: list[str] = []
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/risk-central",
        "HTTP_AUTHORIZATION": f"Basic {credentials}",
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    } | changes

    def start(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status.split()[0])
        return io.BytesIO().write

    reply = b"".join(door(environ, start))
    return statuses[0], reply


@pytest.fixture
def door(bureau: Redis) -> Door:
    return Door(bureau, USER, PASSWORD)


def code(reply: bytes) -> str:
    return etree.fromstring(reply).findtext(".//faultcode") or ""


# --- size ---


def padded(size: int) -> bytes:
    """A good question of just so many bytes."""
    body = message("GetRiskByCedula", "<cedula>1714307103</cedula>")
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("length", [None, ""])
def test_a_message_has_at_most_a_megabyte_whether_it_says_so_or_not(
    door: Door, length: str | None
) -> None:
    changes = {} if length is None else {"CONTENT_LENGTH": length}
    assert ask(door, padded(1 << 20), **changes)[0] == "200"
    assert ask(door, padded((1 << 20) + 1), **changes)[0] == "413"


def test_what_is_announced_too_large_is_not_even_read(door: Door) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

    changes = {"CONTENT_LENGTH": str((1 << 20) + 1), "wsgi.input": Unread()}
    assert ask(door, b"", **changes)[0] == "413"


# --- how many ---


@pytest.mark.parametrize("attribute", ["", " x='1'"])
def test_a_batch_has_at_most_a_thousand_cedulas(door: Door, attribute: str) -> None:
    """Also by the long way, which an attribute takes."""

    def batch(count: int) -> bytes:
        strings = "<string>1714307103</string>" * count
        return message("GetRisks", f"<cedulas{attribute}>{strings}</cedulas>")

    assert ask(door, batch(1000))[0] == "200"
    status, reply = ask(door, batch(1001))
    assert (status, code(reply)) == ("500", "soap11env:Client.TooMany")


def test_sixteen_are_at_work_at_once_and_the_next_waits_a_second_for_a_place() -> None:
    assert (door_module._MAX_AT_ONCE, door_module._WAIT_SECONDS) == (16, 1.0)
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as silent,
        ThreadPoolExecutor(16) as threads,
    ):
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        door = Door(store.connect(url, timeout_seconds=4), USER, PASSWORD)
        question = message("GetRiskByCedula", "<cedula>1714307103</cedula>")
        at_work = [threads.submit(ask, door, question) for _ in range(16)]
        connections = [silent.accept()[0] for _ in range(16)]  # all sixteen have begun
        assert ask(door, question)[0] == "503"
        for connection in connections:
            connection.close()
        assert {future.result(30)[0] for future in at_work} == {"500"}


def test_a_question_waits_a_second_for_redis() -> None:
    assert store.TIMEOUT_SECONDS == 1
    options = store.connect("redis://127.0.0.1:1/0").connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (1, 1)


# --- names ---


@pytest.mark.parametrize(
    ("name", "good"),
    [
        (" ".join(f"ab{letter}" for letter in "abcdefghij"), True),
        (" ".join(f"ab{letter}" for letter in "abcdefghijk"), False),
        ("a" * 200, True),
        ("a" * 201, False),
        ("ab", True),
        ("a b c", False),
    ],
)
def test_a_name_asked_for_has_2_letters_to_10_words_and_200_characters(
    name: str, *, good: bool
) -> None:
    if good:
        assert rules.parse_name(name)
    else:
        with pytest.raises(ValueError, match="nombre"):
            rules.parse_name(name)


def test_of_many_homonyms_the_first_two_thousand_are_ranked(redis: Redis) -> None:
    """The closest name has the highest cédula: it is found among 2,000, not beyond."""
    rows = [row(f"17{number:07}", "Vera Ana Lucía") for number in range(1999)]
    load_file(redis, io.BytesIO(csv_bytes([*rows, row("179000000", "Vera Ana")])))
    assert store.find_by_name(redis, "vera ana", 1)[0].cedula == cedula("179000000")
    load_file(redis, io.BytesIO(csv_bytes([row("170001999", "Vera Ana Lucía")])))
    assert store.find_by_name(redis, "vera ana", 1)[0].full_name == "Vera Ana Lucía"


def test_repeated_words_are_found_among_many_homonyms(redis: Redis) -> None:
    """Who has two such words has the highest cédula: the lowest 2,000 have one each."""
    rows = [row(f"17{number:07}", "Vera Juan") for number in range(2000)]
    twice = [row("178000000", "Vera Juan Juana"), row("179000000", "Juan Vera Juan")]
    load_file(redis, io.BytesIO(csv_bytes([*rows, *twice])))

    def found(asked: str) -> list[str]:
        return [report.full_name for report in store.find_by_name(redis, asked, 5)]

    assert found("juan juan") == ["Juan Vera Juan", "Vera Juan Juana"]
    assert found("juan jua") == ["Juan Vera Juan", "Vera Juan Juana"]
    assert found("juana juan") == ["Vera Juan Juana"]


def test_an_enye_is_found_among_many_who_have_none(redis: Redis) -> None:
    rows = [row(f"17{number:07}", "Canas Ana") for number in range(2000)]
    load_file(redis, io.BytesIO(csv_bytes([*rows, row("179000000", "Cañas Ana")])))
    assert store.find_by_name(redis, "cañas", 1)[0].full_name == "Cañas Ana"
    assert store.find_by_name(redis, "canas", 1)[0].full_name == "Canas Ana"


def test_of_the_words_that_begin_alike_five_hundred_are_looked_at(redis: Redis) -> None:
    words = [f"zz{number:04}" for number in range(501)]
    redis.zadd(key("risk:words"), dict.fromkeys(words, 0))
    (found,) = name_index.words_beginning(redis, ["zz"])
    assert found == words[:500]


# --- credentials ---


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Basic", "Basic !!", f"Basic {USER}:{PASSWORD}"]
)
def test_whoever_does_not_show_both_stays_outside(door: Door, header: str) -> None:
    body = message("GetRiskByCedula", "<cedula>1714307103</cedula>")
    assert ask(door, body, HTTP_AUTHORIZATION=header)[0] == "401"


QUESTION = message("GetRiskByCedula", "<cedula>1714307103</cedula>")


def guess(door: Door, address: str, password: str = "guessed", **changes: Any) -> str:
    header = base64.b64encode(f"{USER}:{password}".encode()).decode()
    said = {"HTTP_AUTHORIZATION": f"Basic {header}", "REMOTE_ADDR": address}
    return ask(door, QUESTION, **said, **changes)[0]


def test_whoever_guesses_is_slowed_down_and_nobody_else(door: Door) -> None:
    assert guess(door, "10.0.0.2", PASSWORD) == "200"
    assert [guess(door, "10.0.0.1") for _ in range(12)] == ["401"] * 10 + ["429"] * 2
    assert guess(door, "10.0.0.1", PASSWORD) == "429"  # a guess that is right costs as much
    assert guess(door, "10.0.0.2", PASSWORD) == guess(door, "10.0.0.3", PASSWORD) == "200"


def test_a_client_that_was_right_is_not_slowed_down_by_its_neighbours(door: Door) -> None:
    assert guess(door, "10.0.0.1", PASSWORD) == "200"
    assert "429" in [guess(door, "10.0.0.1") for _ in range(12)]
    assert guess(door, "10.0.0.1", PASSWORD) == "200"


def test_who_shows_nothing_is_asked_and_not_counted(door: Door) -> None:
    asked = [ask(door, QUESTION, HTTP_AUTHORIZATION="")[0] for _ in range(20)]
    assert asked == ["401"] * 20


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PREGON_TRUSTED_PROXIES", "10.9.9.9")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_behind_a_front_everybody_is_counted_alone(door: Door, front: Any) -> None:
    def of(client: str) -> dict[str, str]:
        return {"HTTP_X_FORWARDED_FOR": f"1.1.1.1, {client}"}

    assert "429" in [guess(door, "10.9.9.9", **of("203.0.113.7")) for _ in range(12)]
    assert guess(door, "10.9.9.9", PASSWORD, **of("203.0.113.8")) == "200"
    assert guess(door, "10.0.0.1", PASSWORD, **of("203.0.113.7")) == "200"  # no front: a lie


def test_the_wsdl_names_the_address_that_the_client_asked_for(door: Door, front: Any) -> None:
    asked = {
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "wsdl",
        "REMOTE_ADDR": "10.9.9.9",
        "HTTP_HOST": "soap:8001",
        "HTTP_X_FORWARDED_HOST": "bureau.example",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
    }
    assert b'"https://bureau.example/risk-central"' in ask(door, b"", **asked)[1]
    mine = ask(door, b"", **asked | {"REMOTE_ADDR": "10.0.0.1"})[1]
    assert b'"http://soap:8001/risk-central"' in mine


def test_the_wsdl_names_the_address_that_is_set(
    door: Door, monkeypatch: pytest.MonkeyPatch, front: Any
) -> None:
    monkeypatch.setenv("PREGON_SOAP_PUBLIC_URL", "https://bureau.example/riesgos/")
    settings.cache_clear()
    asked = {"REQUEST_METHOD": "GET", "QUERY_STRING": "wsdl", "HTTP_HOST": "soap:8001"}
    assert b'"https://bureau.example/riesgos/risk-central"' in ask(door, b"", **asked)[1]
