"""What a client of any language must have understood of the bureau, from its WSDL alone."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.soap.people import PASSWORD, PEOPLE, USER, cedula

CLIENTS = Path(__file__).with_name("clients")
KNOWN, UNKNOWN = PEOPLE[0], cedula("240000009")
QUESTIONS = {"known": KNOWN["cedula"], "unknown": UNKNOWN, "name": "guaman maria"}
PATHS = {"1.1": "/risk-central", "1.2": "/risk-central/soap12"}
_SECONDS = 60


def ask(server: str, version: str, *command: str) -> Any:
    """What a client says who gets address, credentials, version and questions as arguments."""
    address = f"{server}{PATHS[version]}?wsdl"
    told = [*command, address, USER, PASSWORD, version, json.dumps(QUESTIONS)]
    done = subprocess.run(
        told, cwd=CLIENTS, env=_environ(), capture_output=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, (done.stderr + done.stdout).decode(errors="replace")
    return json.loads(done.stdout)


def _environ() -> dict[str, str]:
    """Node may be one of the environment; proxies are not for this machine."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def check(outcome: Any) -> None:
    """Every value and every fault arrived as it was sent."""
    known = dict(outcome["known"])
    assert Decimal(known.pop("total_debt")) == Decimal(KNOWN["total_debt"])
    assert known.pop("reported_on")[:10] == KNOWN["reported_on"]
    assert known == {name: KNOWN[name] for name in known}
    assert len(known) == 6
    assert outcome["by_name"] == [cedula("010000001"), KNOWN["cedula"]]
    assert outcome["many"] == [KNOWN["cedula"]]
    assert outcome["unknown"]["code"] == "NotFound"
    assert UNKNOWN in outcome["unknown"]["message"]
    assert outcome["wrong"] == {
        "code": "InvalidCedula",
        "message": "«123»: La cédula tiene 10 dígitos y aquí hay 3: revísela en el documento.",
    }
    assert "code" not in outcome["stranger"]
    assert outcome["stranger"]["error"] != "answered"
    assert outcome.get("nothing", []) == []
    assert outcome.get("without", {}).get("code", "InvalidCedula") == "InvalidCedula"
