"""PHP, Perl and C++ understand the bureau by the WSDL as it is served."""

import subprocess
from pathlib import Path

import httpx
import pytest
from redis import Redis

from tests.soap.interop import CLIENTS, PATHS, ask, check

VERSIONS = pytest.mark.parametrize("version", PATHS)


@VERSIONS
def test_php_understands(server: str, bureau: Redis, version: str) -> None:
    outcome = ask(server, version, "php", "ask.php")
    check(outcome)
    assert outcome["nothing"] == []
    assert "Unauthorized" in outcome["stranger"]["error"]


@VERSIONS
def test_soap_lite_understands(server: str, bureau: Redis, version: str) -> None:
    outcome = ask(server, version, "perl", "ask.pl")
    check(outcome)
    assert outcome["without"]["code"] == "InvalidCedula"
    assert "401" in outcome["stranger"]["error"]


@VERSIONS
def test_gsoap_understands(server: str, bureau: Redis, version: str, tmp_path: Path) -> None:
    client = built(httpx.get(f"{server}{PATHS[version]}?wsdl").content, tmp_path)
    outcome = ask(server, version, str(client))
    check(outcome)
    assert "401" in outcome["stranger"]["error"]


def built(wsdl: bytes, folder: Path) -> Path:
    """A client that gSOAP's own tools make of the WSDL."""
    (folder / "bureau.wsdl").write_bytes(wsdl)
    (folder / "ask.cpp").write_bytes((CLIENTS / "ask.cpp").read_bytes())
    for command in (
        "wsdl2h -g -N tns -o bureau.h bureau.wsdl",
        "soapcpp2 -j -C -x -I/usr/share/gsoap/import bureau.h",
        "g++ -O0 -o ask ask.cpp soapC.cpp soapRiskCentralProxy.cpp -lgsoap++",
    ):
        done = subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return folder / "ask"
