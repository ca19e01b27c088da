"""What comes to the HTTP door that is no proper question."""

import base64
import contextlib
import io
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from lxml import etree
from redis import Redis, retry

from services.risk_central import store
from services.risk_central.door import MAX_BODY_BYTES, Door
from tests.soap.people import PASSWORD, USER, free_port

NS_11 = "http://schemas.xmlsoap.org/soap/envelope/"
NS_12 = "http://www.w3.org/2003/05/soap-envelope"
ASK = (
    '<GetRiskByCedula xmlns="urn:pregon:risk-central:v1">'
    "<cedula>1714307103</cedula></GetRiskByCedula>"
)


def message(body: str, namespace: str = NS_11, prolog: str = "") -> bytes:
    return (
        f'{prolog}<s:Envelope xmlns:s="{namespace}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


@pytest.fixture
def http(server: str, bureau: Redis) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server,
        auth=(USER, PASSWORD),
        headers={"Content-Type": "text/xml; charset=utf-8"},
    ) as client:
        yield client


def fault_code(content: bytes) -> str:
    return etree.fromstring(content).findtext(".//faultcode") or ""


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"<a",
        b"\x00\xff\xfe",
        b"{}",
        b"<a/>",
        message(""),
        message(ASK + ASK),
        message(ASK, prolog=BOMB),
        message("<x>&x;</x>", prolog=FILE),
        message("<GetRiskByCedula/>"),
        message('<Nope xmlns="urn:pregon:risk-central:v1"/>'),
        message(ASK.replace("<cedula>", '<x id="a"/><cedula href="#nowhere">')),
        message(ASK.replace("1714307103", "<b/>")),
        message(f'<s:Fault xmlns:s="{NS_11}"/>'),
        message("<f:x xmlns:f='urn:x'>" * 400 + "</f:x>" * 400),
        b"<s:Envelope xmlns:s='" + NS_11.encode() + b"'/>",
        ASK.encode("utf-16"),
    ],
)
def test_garbage_gets_a_client_fault_and_no_trace(http: httpx.Client, content: bytes) -> None:
    reply = http.post("/risk-central", content=content)
    assert reply.status_code == 500
    assert fault_code(reply.content).startswith("soap11env:Client.")
    assert "Traceback" not in reply.text
    assert "root:" not in reply.text


def test_garbage_in_soap_12_gets_a_sender_fault(http: httpx.Client) -> None:
    reply = http.post(
        "/risk-central/soap12", content=b"<a", headers={"Content-Type": "application/soap+xml"}
    )
    assert reply.status_code == 400
    assert etree.fromstring(reply.content).xpath(
        "//s:Code/s:Value/text()", namespaces={"s": NS_12}
    ) == ["soap12env:Sender"]


def test_other_encodings_are_read(http: httpx.Client) -> None:
    for encoding in ("utf-16", "iso-8859-1"):
        content = message(ASK).decode().encode(encoding)
        kind = {"Content-Type": f'text/xml; charset="{encoding}"'}
        assert http.post("/risk-central", content=content, headers=kind).status_code == 200
    unknown = {"Content-Type": "text/xml; charset=klingon"}
    reply = http.post("/risk-central", content=message(ASK), headers=unknown)
    assert fault_code(reply.content) == "soap11env:Client.Malformed"


@pytest.mark.parametrize(
    ("method", "path", "changes", "status"),
    [
        ("GET", "/risk-central", {}, 405),
        ("PUT", "/risk-central", {}, 405),
        ("POST", "/", {}, 404),
        ("POST", "/risk-central", {"headers": {"Content-Type": "application/json"}}, 415),
        ("POST", "/risk-central", {"headers": {"Content-Encoding": "gzip"}}, 415),
        ("POST", "/risk-central", {"content": b" " * (MAX_BODY_BYTES + 1)}, 413),
        ("POST", "/risk-central", {"auth": (USER, "otra")}, 401),
        ("POST", "/risk-central", {"auth": None}, 401),
        ("POST", "/risk-central", {"headers": {"Authorization": "Basic ñ"}, "auth": None}, 401),
    ],
)
def test_who_may_not_come_in_is_told_by_the_status(
    http: httpx.Client, method: str, path: str, changes: dict[str, Any], status: int
) -> None:
    if "headers" in changes:
        changes = changes | {"headers": {k: v.encode() for k, v in changes["headers"].items()}}
    reply = http.request(method, path, **changes)
    assert reply.status_code == status
    assert reply.text
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


def test_health_is_public(server: str) -> None:
    reply = httpx.get(f"{server}/health")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


HEAD = b"POST /risk-central HTTP/1.1\r\nHost: x\r\n"
_BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode())
BODY = HEAD + b"Content-Type: text/xml\r\nAuthorization: Basic %s\r\n" % _BASIC


def lasts(server: str, said: bytes, then: bytes = b"") -> float:
    """Seconds until a connection is cut that says this, and then a byte from time to time."""
    host, _, port = server.removeprefix("http://").partition(":")
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=0.5) as client:
        client.sendall(said)
        while time.monotonic() < began + 40:
            with contextlib.suppress(TimeoutError):
                if client.recv(1000) == b"":
                    break
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(then[:1])
    return time.monotonic() - began


def test_whoever_never_ends_a_question_is_cut(server: str) -> None:
    """A connection without a byte, a head without an end, a slow body, one that is not used."""
    slow = BODY + b"Content-Length: 1000\r\n\r\n<a"
    used = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with ThreadPoolExecutor() as threads:
        ways = [(b"",), (HEAD + b"X-A: ",), (HEAD + b"X-A: ", b"a"), (slow,), (slow, b"a"), (used,)]
        lasted = list(threads.map(lambda way: lasts(server, *way), ways))
    assert max(lasted) < 25, lasted
    assert httpx.get(f"{server}/health").status_code == 200


def test_slow_bodies_never_keep_others_out(http: httpx.Client, server: str) -> None:
    """More of them than a worker has places: they are let go before a client gives up."""
    with ThreadPoolExecutor(140) as threads:
        slow = BODY + b"Content-Length: 1000\r\n\r\n<a"
        ends = [threads.submit(lasts, server, slow, b"a") for _ in range(140)]
        time.sleep(1)
        assert http.post("/risk-central", content=message(ASK), timeout=30).status_code == 200
        assert max(end.result() for end in ends) < 35


def test_no_server_is_named(server: str) -> None:
    for path in ("/health", "/nothing", "/risk-central?wsdl", "/risk-central"):
        assert not httpx.get(f"{server}{path}").headers.get("server")


def call(door: Door, path: str, body: bytes = b"") -> tuple[str, bytes]:
    """Call the application in this process."""
    statuses: list[str] = []
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    environ = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": path,
        "HTTP_AUTHORIZATION": f"Basic {credentials}",
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }

    def start(status: str, *_: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return io.BytesIO().write

    reply = b"".join(door(environ, start))
    return statuses[0], reply


def test_without_redis_the_fault_is_quick_and_health_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By what it waits before it tries again: other load may hold a refusal up, never add to it."""
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr(retry, "sleep", wait)
    door = Door(store.connect(f"redis://127.0.0.1:{free_port()}/0"), USER, PASSWORD)
    by_name = ASK.replace("GetRiskByCedula", "FindRiskByName").replace("cedula", "name")
    for question in (ASK, by_name.replace("1714307103", "juan")):
        status, reply = call(door, "/risk-central", message(question))
        assert status.startswith("500")
        assert fault_code(reply) == "soap11env:Server.Unavailable"
    assert call(door, "/health")[0].startswith("503")
    assert 0 < sum(waits) < 2


def test_too_many_at_once_get_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as threads:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        door = Door(store.connect(url, timeout_seconds=5), USER, PASSWORD, max_at_once=1)
        first = threads.submit(call, door, "/risk-central", message(ASK))
        with silent.accept()[0]:
            status, _ = call(door, "/risk-central", message(ASK))
        assert status.startswith("503")
        assert first.result()[0].startswith("500")
