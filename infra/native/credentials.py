"""The log-ins of the demo, made once; the seeder gives these users these passwords."""

import json
import os
import secrets
from collections.abc import Mapping

from infra.native.run import Run, write_private

ROLES = {
    "jefe": "marketing_head",
    "asesor1": "advisor",
    "asesor2": "advisor",
    "asesor3": "advisor",
    "supervisor": "supervisor",
    "backoffice": "backoffice",
    "admin": "admin",
}
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none mistaken for another


def write(run: Run, environ: Mapping[str, str]) -> None:
    """Write `credentials.json` where it is missing; SOAP's password is always the one in use."""
    file = run.path / "credentials.json"
    users = json.loads(file.read_text()) if file.exists() else {}
    for name, role in ROLES.items():
        users.setdefault(name, {"password": _password(), "role": role})
    users["soap"] = {"password": environ["PREGON_SOAP_PASSWORD"], "role": "soap"}
    write_private(file, json.dumps(users, indent=2) + "\n")


def read(run: Run) -> dict[str, dict[str, str]]:
    """Password and role by user name, from the setting of a container or the file."""
    text = os.environ.get("PREGON_CREDENTIALS") or (run.path / "credentials.json").read_text()
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(14))
