"""What works and what does not, part by part."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import httpx

from infra.native import servers
from infra.native.run import ROOT
from infra.native.supervisor import PRODUCT, Supervisor

_ROOMS_SECONDS = 40


def parts(supervisor: Supervisor, environ: Mapping[str, str]) -> dict[str, str]:
    """`ok` or the reason, for each server, process, door, room and queue of jobs."""
    found = {server.name: servers.state(server, environ) for server in servers.ALL}
    found |= processes(supervisor)
    if all(state == "ok" for state in found.values()):
        found |= doors(environ)
        found |= rooms(environ)
    return found


def processes(supervisor: Supervisor) -> dict[str, str]:
    """`ok` or the supervisor's state, for each process of the product."""
    return {
        name.partition(":")[2]: "ok" if state == "RUNNING" else state.lower()
        for name, state in supervisor.states().items()
        if name.startswith(f"{PRODUCT}:")
    }


def doors(environ: Mapping[str, str]) -> dict[str, str]:
    """`ok` or the reason, for the web pages and the SOAP service."""
    web = f"http://{environ['PREGON_WEB_HOST']}:{environ['PREGON_WEB_PORT']}/health/ready"
    soap = f"http://{environ['PREGON_SOAP_HOST']}:{environ['PREGON_SOAP_PORT']}/health"
    return {"gateway": _answer(web), "soap": _answer(soap)}


def rooms(environ: Mapping[str, str]) -> dict[str, str]:
    """`ok` or the reason, for each room and its queue of jobs, as the broker sees them."""
    asked = subprocess.run(
        [sys.executable, "-m", "shared.health"],
        env={**os.environ, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_ROOMS_SECONDS,
        check=False,
    )
    lines = asked.stdout.strip().splitlines()
    if not lines:
        return {"rooms": asked.stderr.strip()[-300:] or "no answer"}
    found: dict[str, str] = json.loads(lines[-1])
    return found


def _answer(url: str) -> str:
    try:
        reply = httpx.get(url, timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return "ok" if reply.status_code == httpx.codes.OK else f"HTTP {reply.status_code}"
