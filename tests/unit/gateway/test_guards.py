"""What every request passes."""

from collections.abc import AsyncIterator

import pytest

from services.gateway import bodies
from services.gateway.session import COOKIE
from shared.contracts import identity
from tests.unit.gateway.conftest import Browser, FakeAsk


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
    assert headers["Cache-Control"] == "private, no-cache"
