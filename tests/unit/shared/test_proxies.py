"""Whose word counts on where a request comes from."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from shared.proxies import Origin, read
from shared.settings import Settings, settings

FRONT = "172.30.0.1"
DIRECT = Origin(FRONT, "http", "gateway:8000")


@pytest.fixture(autouse=True)
def _trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PREGON_TRUSTED_PROXIES", f"{FRONT}, 10.1.0.0/16,2001:db8:1::/48")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_a_stranger_is_believed_nothing() -> None:
    stranger = Origin("203.0.113.9", "http", "pregon.example")
    lies = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "forwarded": "for=127.0.0.1;proto=https;host=evil.example",
    }
    assert read(stranger, lies) == stranger


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),  # what the client wrote itself is to the left
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),  # a front behind a front
        ("9.9.9.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8:9::7]:4711", "2001:db8:9::7"),
        ("2001:db8:9::7", "2001:db8:9::7"),
        ("10.1.9.9", "10.1.9.9"),  # inside, nobody before it
        ("unknown", FRONT),
        ("203.0.113.7, unknown", FRONT),
        ("x" * 9000, FRONT),
        ("", FRONT),
        (",,", FRONT),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_front(chain: str, client: str) -> None:
    assert read(DIRECT, {"x-forwarded-for": chain}).address == client
    element = ", ".join(f'for="{name.strip()}"' for name in chain.split(","))
    assert read(DIRECT, {"forwarded": element}).address == client


def test_where_two_headers_disagree_one_is_the_clients_own_and_neither_counts() -> None:
    both = {"x-forwarded-for": "203.0.113.7", "forwarded": "for=203.0.113.8"}
    assert read(DIRECT, both).address == FRONT
    assert read(DIRECT, both | {"forwarded": "For=203.0.113.7"}).address == "203.0.113.7"


def test_scheme_and_host_are_as_the_client_wrote_them() -> None:
    told = {"x-forwarded-proto": "https", "x-forwarded-host": "pregon.example:8443"}
    assert read(DIRECT, told) == Origin(FRONT, "https", "pregon.example:8443")
    lies = {"x-forwarded-proto": "http, https", "x-forwarded-host": "evil.example, pregon.example"}
    assert read(DIRECT, lies) == Origin(FRONT, "https", "pregon.example")  # the front's come last
    element = {"forwarded": 'for=1.1.1.1;proto=https;host="pregon.example"'}
    assert read(DIRECT, element) == Origin("1.1.1.1", "https", "pregon.example")


@pytest.mark.parametrize("wrong", ["javascript", "https\x00", "ftp", ""])
def test_a_scheme_that_is_none_changes_nothing(wrong: str) -> None:
    assert read(DIRECT, {"x-forwarded-proto": wrong}) == DIRECT


@pytest.mark.parametrize("wrong", ["a/b", "a b", "<x>", "a@b", "a\r\nb", "x" * 300, "[::1"])
def test_a_host_that_is_none_changes_nothing(wrong: str) -> None:
    assert read(DIRECT, {"x-forwarded-host": wrong}) == DIRECT


def test_what_is_no_network_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies="10.0.0.0/33")
