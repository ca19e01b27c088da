"""What is said between two ciphers counts for nothing."""

import smtplib
import socket
import ssl

import pytest

from services.mailer.wire import Client


def test_what_a_server_says_in_the_open_after_starttls_is_not_believed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        smtp = Client()
        smtp.sock, smtp.patience = ours, 1.0
        smtp.ehlo_resp, smtp.does_esmtp = b"pregon.example", True  # noqa: V101  # smtplib's
        smtp.esmtp_features = {"starttls": ""}  # noqa: V101  # as above
        theirs.sendall(b"220 go on\r\n250 believe me\r\n")
        with pytest.raises(smtplib.SMTPServerDisconnected, match="no es SMTP"):
            smtp.encrypt(ssl.create_default_context())
