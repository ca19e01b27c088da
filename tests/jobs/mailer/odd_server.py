"""A mail server that answers each command as a test wants, or not at all, or hangs up."""

import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

STALL = "stall"
HANG_UP = "hang up"
GREETING, EHLO, AUTH, MAIL, RCPT, DATA, CONTENT = (
    "greeting",
    "ehlo",
    "auth",
    "mail",
    "rcpt",
    "data",
    "content",
)
Answer = Callable[[str, str], str | None]  # stage, recipient → what to say; None: what is usual


class OddServer:
    """Counts what it was asked; `answer` decides, and is asked anew at each stage."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _stage, _recipient: None
        self.pipelining = True
        self.auth = False
        self.tried: Counter[str] = Counter()  # recipients named
        self.got: list[str] = []  # recipients whose mail was taken
        self.lines = 0  # connections
        self.ended = threading.Event()

    def say(self, stage: str, recipient: str, usual: str) -> str:
        return self.answer(stage, recipient) or usual


class _Handler(socketserver.StreamRequestHandler):
    """One connection; ends when the other side goes or the answer is to hang up."""

    disable_nagle_algorithm = True  # no answer waits until the one before is confirmed
    server: "_Server"

    def handle(self) -> None:
        odd = self.server.odd
        odd.lines += 1
        self.recipient, self.begun, self.taken = "", False, False
        try:
            if self._tell(GREETING, "220 odd"):
                while line := self.rfile.readline():
                    if not self._obey(line.decode().strip()):
                        return
        except OSError:
            return

    def _obey(self, line: str) -> bool:
        odd = self.server.odd
        verb = line.partition(" ")[0].upper()
        if verb == "EHLO":
            extras = [*(["PIPELINING"] if odd.pipelining else []), *(["AUTH PLAIN"] * odd.auth)]
            names = ["odd", *extras]
            lines = [f"250{'-' if name != names[-1] else ' '}{name}" for name in names]
            return self._tell(EHLO, "\r\n".join(lines))
        if verb == "AUTH":
            return self._tell(AUTH, "235 welcome")
        if verb == "MAIL":
            said = odd.say(MAIL, self.recipient, "250 ok")
            self.begun, self.taken = said.startswith("250"), False
            return self._write(said)
        if verb == "RCPT":
            self.recipient = line.partition("<")[2].rstrip(">")
            odd.tried[self.recipient] += 1
            said = odd.say(RCPT, self.recipient, "250 ok")
            self.taken = self.begun and said.startswith("250")
            return self._write(said)
        if verb == "DATA":
            return self._take()
        return self._write("221 bye" if verb == "QUIT" else "250 ok") and verb != "QUIT"

    def _take(self) -> bool:
        odd = self.server.odd
        said = odd.say(DATA, self.recipient, "354 go ahead")
        if not self._write(said) or not said.startswith("354"):
            return not said.startswith("421") and said not in (STALL, HANG_UP)
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            pass
        if not line:
            return False
        said = odd.say(CONTENT, self.recipient, "250 taken") if self.taken else "554 nobody"
        if said.startswith("250"):
            odd.got.append(self.recipient)
        return self._write(said)

    def _tell(self, stage: str, usual: str) -> bool:
        return self._write(self.server.odd.say(stage, self.recipient, usual))

    def _write(self, said: str) -> bool:
        if said == STALL:
            self.server.odd.ended.wait(60)
        if said in (STALL, HANG_UP):
            return False
        cast(BinaryIO, self.wfile).write(f"{said}\r\n".encode())
        return not said.startswith("421")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, odd: OddServer) -> None:
        self.odd = odd
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def running(odd: OddServer) -> Iterator[int]:
    """The server on a free port."""
    with _Server(odd) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            odd.ended.set()
            server.shutdown()
            thread.join()
