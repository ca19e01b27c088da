"""A mail server behind TLS must be who its certificate says, and known to this machine."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from services.mailer.smtp import BarredError, Fate, Line
from shared.settings import settings
from tests.jobs.mailer.conftest import FREE_PORT, MailServer

_MAKE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=somebody"
    " -addext subjectAltName=IP:127.0.0.1,DNS:correo.example"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, with its key, made by nobody that machines know."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [*_MAKE.split(), "-keyout", str(file), "-out", str(file) + ".crt"]
    subprocess.run(command, check=True, capture_output=True)
    with file.open("a") as both:
        both.write(Path(f"{file}.crt").read_text())
    return file


class EncryptedServer(MailServer):
    """Takes what is sent encrypted, from the first word on or after STARTTLS."""

    def __init__(self, context: ssl.SSLContext, *, at_once: bool) -> None:
        self._later = None if at_once else context
        super().__init__(
            Sink(), hostname="127.0.0.1", port=FREE_PORT, ssl_context=context if at_once else None
        )

    def factory(self) -> SMTP:
        return SMTP(self.handler, loop=self.loop, tls_context=self._later)


@pytest.fixture(params=["smtps", "smtp+starttls"])
def encrypted(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """`encrypted(host)`: the settings lead to the server by this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = EncryptedServer(context, at_once=request.param == "smtps")
    server.start()

    def lead_to(host: str) -> None:
        address = f"{request.param}://{host}:{server.taken_port}"
        monkeypatch.setattr(settings(), "smtp_url", address)

    yield lead_to
    server.stop()


def test_a_server_nobody_vouches_for_gets_no_mail(
    encrypted: Callable[[str], None], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted("127.0.0.1")
    with pytest.raises(BarredError, match="certificate verify failed"):
        Line()
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    line = Line()
    answer = line.send("a@pregon.example", "b@correo.example", b"Subject: x\r\n\r\nx\r\n")
    line.close()
    assert answer.fate is Fate.ACCEPTED


def test_a_server_of_another_name_gets_no_mail(
    encrypted: Callable[[str], None], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted("localhost")
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with pytest.raises(BarredError, match="localhost"):
        Line()
