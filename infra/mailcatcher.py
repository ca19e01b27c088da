"""A mail server that takes every message and files it in a Maildir: `python -m infra.mailcatcher`.

For demos and tests. It listens on the loopback interface; only in a container, whose network
is closed to the outside, is `PREGON_MAIL_CATCHER_HOST` set to anything else.
"""

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_MAX_BYTES = 50_000_000


class Maildir:
    """Files messages under unique names; a reader sees them whole or not at all."""

    def __init__(self, path: Path) -> None:
        for folder in ("tmp", "new", "cur"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        self._path = path
        self._number = itertools.count()

    def add(self, message: bytes) -> None:
        """Write the message and move it to `new`."""
        name = f"{time.time_ns()}.{os.getpid()}_{next(self._number)}.pregon"
        partial = self._path / "tmp" / name
        partial.write_bytes(message)
        partial.rename(self._path / "new" / name)


class CatchAll:
    """What aiosmtpd calls: offers pipelining, accepts everybody, files what comes."""

    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name for it
        self, _server: SMTP, session: Session, _envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        """Add PIPELINING: the server reads command by command from a buffer anyway."""
        session.host_name = host
        return [*lines[:-1], "250-PIPELINING", lines[-1]]

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """File the message with the envelope's addresses on top."""
        sender = [f"Return-Path: <{envelope.mail_from}>\r\n"]
        recipients = [f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos]
        content = envelope.content
        body = content if isinstance(content, bytes) else (content or "").encode()
        self._maildir.add("".join(sender + recipients).encode() + body)
        return "250 OK"


async def serve(host: str, port: int, maildir: Maildir) -> asyncio.Server:
    """Start listening; port 0 takes a free one."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            CatchAll(maildir),
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",
            loop=loop,
        )

    return await loop.create_server(protocol, host, port)


async def run() -> None:
    """Serve until SIGTERM, as the environment says."""
    host = os.environ.get("PREGON_MAIL_CATCHER_HOST", "127.0.0.1")
    port = int(os.environ.get("PREGON_MAIL_CATCHER_PORT", "8025"))
    maildir = Maildir(Path(os.environ["PREGON_MAIL_CATCHER_DIR"]))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with await serve(host, port, maildir):
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(run())
