"""Mail servers that misbehave, each in its own way, on a free port of its own.

A way is a script: what the server does at each stage. `Server` follows one and keeps what happened.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

GREETING, EHLO, MAIL, RCPT, DATA, CONTENT, RSET, QUIT = (
    "greeting",
    "ehlo",
    "mail",
    "rcpt",
    "data",
    "content",
    "rset",
    "quit",
)
STAGES = (GREETING, EHLO, MAIL, RCPT, DATA, CONTENT)
USUAL = {
    GREETING: b"220 odd\r\n",
    EHLO: b"250-odd\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    MAIL: b"250 2.1.0 ok\r\n",
    RCPT: b"250 2.1.5 ok\r\n",
    DATA: b"354 go ahead\r\n",
    CONTENT: b"250 2.0.0 taken\r\n",
    RSET: b"250 2.0.0 ok\r\n",
    QUIT: b"221 2.0.0 bye\r\n",
}
Act = Callable[[socket.socket, "Server"], bool]  # False: the connection is over


class Way(NamedTuple):
    """How a server misbehaves: at which stage it does what, and what is to become of a mail."""

    name: str
    acts: dict[str, Act]
    doubtful: bool = False  # it may have taken the mail
    starttls: bool = False  # the settings want STARTTLS


def say(words: bytes) -> Act:
    """Answer so."""

    def act(line: socket.socket, _server: "Server") -> bool:
        line.sendall(words)
        return True

    return act


def say_and_close(words: bytes) -> Act:
    """Answer so, and hang up."""

    def act(line: socket.socket, _server: "Server") -> bool:
        line.sendall(words)
        return False

    return act


def stall(_line: socket.socket, server: "Server") -> bool:
    """Say nothing, and stay."""
    server.ended.wait(60)
    return False


def drip(line: socket.socket, server: "Server") -> bool:
    """A byte from time to time, and never a line."""
    while not server.ended.wait(0.1):
        line.sendall(b"2")
    return False


def talk_on(line: socket.socket, server: "Server") -> bool:
    """An answer of many lines that never ends."""
    while not server.ended.is_set():
        line.sendall(b"250-and so on and so on and so on\r\n" * 100)
    return False


def talk_on_slowly(line: socket.socket, server: "Server") -> bool:
    """The same, a line at a time, each in time."""
    while not server.ended.wait(0.1):
        line.sendall(b"250-and so on\r\n")
    return False


def hang_up(_line: socket.socket, _server: "Server") -> bool:
    """Be gone."""
    return False


def reset(line: socket.socket, _server: "Server") -> bool:
    """Be gone, by a reset."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return False


def take_and_close(_line: socket.socket, server: "Server") -> bool:
    """Keep the mail, and be gone without a word."""
    server.taken += 1
    return False


def stop_reading(_line: socket.socket, server: "Server") -> bool:
    """Go ahead, and take nothing of it."""
    _line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    _line.sendall(USUAL[DATA])
    server.ended.wait(60)
    return False


_GARBAGE = bytes(range(128, 256)) + b"\x00\x01\x7f\x1b[2J\r\n"
_LONG = b"250 " + b"x" * 1_000_000 + b"\r\n"


def ways() -> Iterator[Way]:
    """All of them: twelve kinds, most at each stage."""
    yield Way("no greeting", {GREETING: stall})
    yield Way("closes instead of greeting", {GREETING: hang_up})
    yield Way("drops after EHLO", {EHLO: say_and_close(USUAL[EHLO])})
    yield Way("drops in DATA", {DATA: say_and_close(USUAL[DATA])}, doubtful=True)
    yield Way("resets in DATA", {DATA: reset})
    yield Way("takes nothing of the content", {DATA: stop_reading}, doubtful=True)
    for stage in STAGES:
        late = stage == CONTENT
        yield Way(f"421 at {stage}", {stage: say_and_close(b"421 4.3.2 shutting down\r\n")})
        yield Way(f"4xx at {stage}", {stage: say(b"451 4.3.0 not now\r\n")})
        yield Way(f"5xx at {stage}", {stage: say(b"554 5.3.0 never\r\n")})
        yield Way(f"endless answer at {stage}", {stage: talk_on}, late)
        yield Way(f"endless slow answer at {stage}", {stage: talk_on_slowly}, late)
        yield Way(f"1 MB line at {stage}", {stage: say(_LONG)}, late)
        yield Way(f"stalls at {stage}", {stage: stall}, late)
        yield Way(f"drips at {stage}", {stage: drip}, late)
        yield Way(f"hangs up at {stage}", {stage: hang_up}, late)
        yield Way(f"resets at {stage}", {stage: reset}, late)
        yield Way(f"garbage at {stage}", {stage: say(_GARBAGE)}, late)
        yield Way(f"wrong code at {stage}", {stage: say(b"101 what\r\n")}, late)
        yield Way(f"no code at {stage}", {stage: say(b"hello\r\n")}, late)
        yield Way(f"an empty line at {stage}", {stage: say(b"\r\n")}, late)
        yield Way(f"codes that differ at {stage}", {stage: say(b"250-yes\r\n550 no\r\n")})
    for stage, words in ((MAIL, b"354 go\r\n"), (RCPT, b"354 go\r\n"), (DATA, b"250 ok\r\n")):
        yield Way(f"another's code at {stage}", {stage: say(words)})
    yield Way("another's code at content", {CONTENT: say(b"354 go on\r\n")}, doubtful=True)
    yield Way("greylists", {RCPT: greylist})
    yield Way("takes and closes", {CONTENT: take_and_close}, doubtful=True)
    yield Way("cannot start over", {RCPT: say(b"550 5.1.1 no\r\n"), RSET: stall})
    yield Way("never says goodbye", {QUIT: stall})
    offer = say(b"250-odd\r\n250 STARTTLS\r\n")
    for name, act in (
        ("says no", say(b"454 4.7.0 not now\r\n")),
        ("hangs up", hang_up),
        ("goes on in the open", say(b"220 go\r\n250 open\r\n")),
        ("injects an answer", say(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")),
        ("stalls", stall),
        ("sends garbage", say(b"220 go\r\n" + _GARBAGE)),
        ("stalls in the handshake", say(b"220 go\r\n")),
    ):
        yield Way(f"STARTTLS {name}", {EHLO: offer, "starttls": act}, starttls=True)
    yield Way("STARTTLS is not offered", {EHLO: say(b"250 odd\r\n")}, starttls=True)


def greylist(line: socket.socket, server: "Server") -> bool:
    """Refuse for now whoever is new."""
    server.asked += 1
    line.sendall(b"450 4.2.0 greylisted\r\n" if server.asked == 1 else USUAL[RCPT])
    return True


class Server:
    """One way, and what happened."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.taken = 0  # mails, said so or not
        self.asked = 0  # recipients
        self.ended = threading.Event()


class _Handler(socketserver.BaseRequestHandler):
    """One connection."""

    server: "_Server"

    def handle(self) -> None:
        try:
            self._serve()
        except OSError:
            return

    def _serve(self) -> None:
        lines = self.request.makefile("rb")
        if not self._act(GREETING):
            return
        while line := lines.readline(4096):
            verb = line.partition(b" ")[0].strip().decode("latin-1").lower()
            stage = {"helo": EHLO}.get(verb, verb)
            if not self._act(stage) or stage == QUIT:
                return
            begun = stage == DATA and self.server.odd.way.acts.get(DATA) is None
            if begun and not self._take(lines):
                return

    def _take(self, lines: BinaryIO) -> bool:
        """The content; an empty one is how a mail to nobody is given up (RFC 2920)."""
        empty = True
        while (line := lines.readline()) not in (b".\r\n", b""):
            empty = False
        if line and empty:
            self.request.sendall(b"554 5.5.1 no valid recipients\r\n")
            return True
        return bool(line) and self._act(CONTENT)

    def _act(self, stage: str) -> bool:
        odd = self.server.odd
        act = odd.way.acts.get(stage)
        if act is not None:
            return act(self.request, odd)
        if stage == CONTENT:
            odd.taken += 1
        self.request.sendall(USUAL.get(stage, b"500 5.5.1 unknown\r\n"))
        return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, odd: Server) -> None:
        self.odd = odd
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """What a client does to it is no news."""


@contextmanager
def running(way: Way) -> Iterator[tuple[Server, int]]:
    """The server and its port."""
    odd = Server(way)
    with _Server(odd) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield odd, server.server_address[1]
        finally:
            odd.ended.set()
            server.shutdown()
            thread.join()
