"""The catch-all over real SMTP."""

import asyncio
import mailbox
import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.mailcatcher import Maildir, serve


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = asyncio.run_coroutine_threadsafe(serve("127.0.0.1", 0, Maildir(tmp_path)), loop)
    server = starting.result(timeout=10)
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_mail_is_filed_with_its_envelope(port: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        smtp.sendmail(
            "a@pregon.example",
            ["b@x.example", "c@x.example"],
            "Subject: Acción\r\n\r\n.hola\r\n".encode(),
            mail_options=["SMTPUTF8"],
        )
    (message,) = mailbox.Maildir(tmp_path)
    assert message["Return-Path"] == "<a@pregon.example>"
    assert message.get_all("Delivered-To") == ["b@x.example", "c@x.example"]
    assert message.get_payload() == ".hola\n"
    assert not list((tmp_path / "tmp").iterdir())


def test_pipelined_mails_are_all_filed(port: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("pipelining")
        for _ in range(50):
            smtp.send("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
            assert [smtp.getreply()[0] for _ in range(3)] == [250, 250, 354]
            smtp.send("Subject: x\r\n\r\nhola\r\n.\r\n")
            assert smtp.getreply()[0] == 250
    assert len(mailbox.Maildir(tmp_path)) == 50
