"""The gateway's own process, without rooms: who is slow is cut, what nobody reads stays outside."""

import asyncio
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.gateway import bodies, serve
from tests.soap.people import free_port, wait_for

BODY = b"a" * (1 << 16)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    found = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.gateway.serve", "--port", str(found)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: _listens(found), "gateway", seconds=40)
    yield found
    process.terminate()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def head(port: int, path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def test_three_hundred_requests_without_an_end_are_gone_in_time(port: int) -> None:
    async def begin(number: int) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        started = time.monotonic()
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "[: 1 + number % 60])
        trickling = asyncio.create_task(_trickle(writer))
        await reader.read()
        trickling.cancel()
        writer.close()
        return time.monotonic() - started

    async def everybody() -> list[float]:
        return await asyncio.gather(*(begin(number) for number in range(300)))

    seconds = asyncio.run(everybody())
    assert max(seconds) < serve.HEAD_SECONDS + 5


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(3)
        writer.write(b"a")


def test_a_connection_that_says_nothing_is_cut_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=serve.HEAD_SECONDS + 5) as client:
        assert client.recv(10) == b""


def test_a_line_is_kept_for_longer_than_programs_leave_it_unused(port: int) -> None:
    """httpx gives one up after five seconds: who hangs up then breaks its next question."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    client.connect()
    line = client.sock
    for pause in (7, 0):
        client.request("GET", "/health/live")
        answer = client.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
        time.sleep(pause)
    assert client.sock is line
    client.close()


def test_a_body_that_stops_in_the_middle_is_answered_and_cut(port: int) -> None:
    kind = "Content-Type: application/x-www-form-urlencoded"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        began = time.monotonic()
        client.sendall(head(port, "/api/v1/token", kind, "Content-Length: 1000") + b"username=a")
        answer = _read_all(client)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert bodies.PATIENCE_SECONDS <= time.monotonic() - began < bodies.PATIENCE_SECONDS + 6


@pytest.mark.parametrize("length", ["Content-Length: 41943040", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("who", ["Authorization: Bearer made-up", "Cookie: pregon_session=made-up"])
def test_forty_megabytes_of_a_stranger_are_not_taken(port: int, length: str, who: str) -> None:
    kind = "Content-Type: multipart/form-data; boundary=x"
    origin = f"Origin: http://127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head(port, "/api/v1/risk-loads", kind, length, who, origin))
        taken = _push(client, chunked="chunked" in length)
        answer = _read_all(client)
    assert answer[:12] in (b"HTTP/1.1 401", b"HTTP/1.1 503"), answer[:80]
    assert b"connection: close" in answer.lower()
    assert taken < 16 << 20  # what the two ends' buffers hold, and a megabyte to let it hear


def _push(client: socket.socket, *, chunked: bool) -> int:
    """Send 40 MB, as far as they are taken."""
    part = b"10000\r\n" + BODY + b"\r\n" if chunked else BODY
    taken = 0
    try:
        for _ in range(640):
            client.sendall(part)
            taken += len(part)
    except OSError:
        pass
    return taken


def _read_all(client: socket.socket) -> bytes:
    found = b""
    try:
        while part := client.recv(1 << 16):
            found += part
    except ConnectionError:
        pass
    return found


def test_no_server_is_named(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head(port, "/nothing", "Content-Length: 0", "Connection: close"))
        answer = _read_all(client).lower()
    assert answer.startswith(b"http/1.1 404 ")
    assert b"\r\nserver:" not in answer
    assert b"\r\nx-powered-by:" not in answer
