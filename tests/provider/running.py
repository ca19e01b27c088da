"""Starting the provider, and going through it as a browser does."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.provider.app import CLIENT_ID, CLIENT_SECRET

SECONDS = 10


@dataclass(frozen=True)
class Running:
    """A provider that runs."""

    issuer: str
    ca_file: str | None = None  # by which it proves who it is; None: it speaks without TLS

    def tell(self, what: str, value: Any) -> dict[str, int]:
        """A command; how often it was asked for what."""
        address = f"{self.issuer}/_{what}"
        answer = requests.post(address, json=value, timeout=SECONDS, verify=self._verify)
        counts: dict[str, int] = answer.json()
        return counts

    def know(self, account: str, **claims: Any) -> None:
        """Somebody who has an account there."""
        usual = {"sub": f"sub-of-{account}", "preferred_username": account}
        self.tell("people", {"account": account, **usual, **claims})

    def settings(self) -> dict[str, str]:
        """By which the product uses it."""
        believed = {"PREGON_CA_FILE": self.ca_file} if self.ca_file else {}
        return believed | {
            "PREGON_OIDC_ISSUER": self.issuer,
            "PREGON_OIDC_CLIENT_ID": CLIENT_ID,
            "PREGON_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }

    @property
    def _verify(self) -> str | bool:
        return self.ca_file or True

    def answer(self, address: str, account: str) -> dict[str, str]:
        """What somebody comes back with from the address, as the last redirection says it."""
        page = requests.get(address, timeout=SECONDS, verify=self._verify)
        page.raise_for_status()
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        form.pop("cancel")
        given = form | {"account": account}
        sent = requests.post(
            address, data=given, allow_redirects=False, timeout=SECONDS, verify=self._verify
        )
        query = parse_qs(urlsplit(sent.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}


@contextmanager
def running(folder: Path | None = None) -> Iterator[Running]:
    """A provider at a port of its own; `localhost` is another site than 127.0.0.1.

    By TLS where there is a folder with certificates (`tests.certificates`).
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    issuer = f"{'https' if folder else 'http'}://localhost:{port}"
    options = ("--port", str(port), "--host", "localhost", "--log-level", "warning")
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tests.provider.app:app", *options, *_by_tls(folder)],
        env=os.environ | {"PROVIDER_ISSUER": issuer},
    )
    try:
        _wait(process, port)
        yield Running(issuer, str(folder / "ca.crt") if folder else None)
    finally:
        process.terminate()
        process.wait()


def _by_tls(folder: Path | None) -> list[str]:
    if folder is None:
        return []
    return [f"--ssl-certfile={folder}/server.crt", f"--ssl-keyfile={folder}/server.key"]


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("localhost", port), 1).close()
        except OSError:
            assert process.poll() is None, "the provider did not start"
            assert time.monotonic() < deadline, "the provider does not answer"
            time.sleep(0.1)
