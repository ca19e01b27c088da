"""Certificates of servers on this machine, by a CA of the tests."""

import subprocess
from pathlib import Path

_KEY = "-newkey rsa:2048 -nodes -days 2"
NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def _openssl(folder: Path, words: str) -> None:
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path, names: str = NAMES) -> None:
    """A CA, a server's certificate by it for this machine, and a CA of somebody else."""
    for name in ("ca", "stranger"):
        _openssl(folder, f"req -x509 {_KEY} -subj /CN={name} -keyout {name}.key -out {name}.crt")
    _openssl(folder, f"req {_KEY} -subj /CN=servers -keyout server.key -out server.csr")
    (folder / "names").write_text(f"{names}\n")
    by_ca = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names"
    _openssl(folder, f"x509 -req -in server.csr {by_ca} -out server.crt")
