"""What every request passes."""

from collections.abc import AsyncIterator

import pytest

from services.gateway import bodies
from services.gateway.session import COOKIE
from shared.contracts import identity
from shared.errors import Denied
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user


def test_each_answer_has_headers_and_a_trace_id_of_ours(client: Browser) -> None:
    first = client.get("/ingresar", headers={"X-Trace-Id": "mine"})
    second = client.get("/ingresar")
    assert "script-src" not in first.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in first.headers["content-security-policy"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert len({"mine", first.headers["x-trace-id"], second.headers["x-trace-id"]}) == 3


@pytest.mark.parametrize(
    ("headers", "cookie", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, True, 403),
        ({"Sec-Fetch-Site": "same-site"}, True, 403),
        ({"Sec-Fetch-Site": "same-origin"}, True, 303),
        ({"Origin": "https://elsewhere.example"}, True, 403),
        ({"Origin": "null"}, False, 403),
        ({"Origin": "http://testserver"}, True, 303),
        ({}, True, 403),
        ({}, False, 303),
    ],
)
def test_what_another_site_sends_is_refused(
    client: Browser, rooms: FakeAsk, headers: dict[str, str], cookie: bool, status: int
) -> None:
    rooms.answers[identity.log_out.name] = lambda token: None
    del client.headers["Origin"]
    if cookie:
        client.cookies.set(COOKIE, "admin")
    assert client.post("/salir", headers=headers).status_code == status
    assert bool(rooms.heard_of(identity.log_out)) == (cookie and status == 303)


def test_body_over_the_limit_is_413(client: Browser) -> None:
    answer = client.post("/ingresar", data={"username": "a" * (bodies.SMALL + 1)})
    assert answer.status_code == 413


def test_body_that_does_not_say_its_length_is_counted(client: Browser) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):  # each field alone is not too long
            yield b"&field%d=" % number + b"a" * (bodies.SMALL * 2 // 5)

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/ingresar", content=parts(), headers=headers)
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413


def test_upload_of_nobody_gets_the_small_limit(client: Browser) -> None:
    upload = {"file": ("a.csv", b"a" * (bodies.SMALL + 1))}
    assert client.post("/ingresar", files=upload).status_code == 413


def test_defect_is_500_with_headers_and_the_id_to_report(admin: Browser, rooms: FakeAsk) -> None:
    def fail(user_id: int) -> None:
        raise RuntimeError("secret detail")

    rooms.answers[identity.get_user.name] = fail
    answer = admin.get("/usuarios/7")
    assert answer.status_code == 500
    assert answer.headers["x-trace-id"] in answer.text
    assert "secret detail" not in answer.text
    assert "content-security-policy" in answer.headers


# --- the headers, whole: a word more in the policy would open the pages ---

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/ingresar", "/api/v1/openapi.json", "/nothing-here"])
def test_every_answer_carries_the_headers_that_protect_it(client: Browser, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


# --- fronts, names and TLS ---


@pytest.fixture
def front(client: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Where the tests' client, 127.0.0.1, is a front whose word counts."""
    monkeypatch.setenv("PREGON_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("PREGON_PUBLIC_URL", "https://pregon.example")
    settings.cache_clear()
    return client


def test_who_asks_by_two_names_gets_400(client: Browser) -> None:
    both = [("Host", "localhost"), ("Host", "evil.example")]
    for names in (both, both[::-1]):
        assert client.get("/ingresar", headers=names).status_code == 400


TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pregon.example"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("testserver", 200),
        ("TESTSERVER:8000", 200),
        ("localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("testserver.evil.example", 400),
        ("evil.example:80@testserver", 400),
        ("testserver/x", 400),
        ("", 400),
        ("[....]", 400),
        ("[1:2:3:4:5:6:7:8:9]", 400),
    ],
)
def test_who_asks_by_another_name_gets_400(client: Browser, host: str, status: int) -> None:
    for path in ("/ingresar", "/health/live"):
        assert client.get(path, headers={"Host": host}).status_code == status
    answer = client.get("/api/v1/me", headers={"Host": host})
    assert answer.status_code == (401 if status == 200 else 400)
    assert answer.headers["content-type"] == "application/problem+json"


def test_tls_is_kept_for_a_year_once_one_came_by_it(front: Browser) -> None:
    assert "strict-transport-security" not in front.get("/ingresar").headers
    secure = front.get("/ingresar", headers=TLS)
    assert secure.status_code == 200
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_nobody_but_a_front_says_that_it_was_tls(client: Browser) -> None:
    answer = client.get("/ingresar", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in answer.headers


def test_a_form_behind_a_front_is_of_ours(front: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.log_out.name] = lambda token: None
    origin = {"Origin": "https://pregon.example"}
    assert front.post("/salir", headers=TLS | origin).status_code == 303
    assert front.post("/salir", headers=TLS | {"Origin": "http://evil.example"}).status_code == 403


def test_a_log_in_is_of_the_client_behind_the_front(front: Browser, rooms: FakeAsk) -> None:
    def log_in(source: str, **_: str) -> None:
        raise Denied(f"de {source}")

    rooms.answers[identity.log_in.name] = log_in
    chain = {"X-Forwarded-For": "1.1.1.1, 203.0.113.7", "Origin": "https://pregon.example"}
    front.post("/ingresar", data={"username": "a", "password": "b"}, headers=TLS | chain)
    front.post("/ingresar", data={"username": "a", "password": "b"})
    heard = [call.arguments["source"] for call in rooms.heard_of(identity.log_in)]
    assert heard == ["203.0.113.7", "127.0.0.1"]


def test_pages_use_no_device_of_the_readers(client: Browser) -> None:
    policy = client.get("/ingresar").headers["permissions-policy"]
    assert {"camera=()", "geolocation=()", "microphone=()", "usb=()"} <= set(policy.split(", "))


@pytest.mark.parametrize("path", ["/cuenta", "/api/v1/me", "/avisos/campana", "/nothing-here"])
def test_what_is_of_people_is_kept_nowhere(admin: Browser, rooms: FakeAsk, path: str) -> None:
    rooms.answers[identity.get_user.name] = lambda user_id: make_user(id=user_id)
    assert admin.get(path).headers["cache-control"] == "no-store"
