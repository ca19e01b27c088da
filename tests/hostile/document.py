"""Schemathesis over the OpenAPI document, as three roles: what it says is what is answered."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.hostile.tally import HUNG_SECONDS, Tally
from tests.hostile.world import World

_ROLES = ("marketing_head", "supervisor", "admin")
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_EXAMPLES = 30  # a field's kind, an operation
_OWN_SCRIPTS = Path(sys.executable).parent


def attack(world: World, each: int | None, seed: int) -> Tally:
    """All operations but the log-in, whose throttle would end the run."""
    tally = Tally("document")
    for role in _ROLES:
        with TemporaryDirectory() as folder:
            _count(tally, role, _run(world, role, Path(folder), each or _EXAMPLES, seed))
    return tally


def _run(world: World, role: str, folder: Path, examples: int, seed: int) -> dict[str, Any]:
    client, report = world.client(role), folder / "report.json"
    command = [
        str(_OWN_SCRIPTS / "schemathesis"),
        "run",
        f"{client.base_url}openapi.json",
        *("--header", f"Authorization: {client.headers['Authorization']}"),
        *("--phases", "examples,coverage,fuzzing"),
        *("--checks", ",".join(_CHECKS)),
        *("--exclude-path", "/api/v1/token"),
        *("--max-examples", str(examples)),
        *("--seed", str(seed)),
        *("--request-timeout", str(HUNG_SECONDS)),
        *("--report", "json", "--report-json-path", str(report)),
        "--continue-on-failure",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def _count(tally: Tally, role: str, report: dict[str, Any]) -> None:
    cases = report["test_cases"]
    good = cases["generated"] - cases["with_failures"] - cases["errored"]
    rates = [rate for phases in report["valid_rates"].values() for rate in phases.values()]
    accepted = sum(rate["accepted"] for rate in rates)
    tally.tried += cases["generated"]
    tally.accepted += accepted
    tally.refused += good - accepted
    for failure in report["failures"]:
        tally.tell("wrong", f"{role}: {json.dumps(failure)[:400]}")
    for error in report["errors"]:
        tally.tell("failed", f"{role}: {json.dumps(error)[:400]}")
