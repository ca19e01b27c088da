"""The settings of a stack: what the user gave, and for the rest what `make up` finds out."""

import os
import shlex
from collections.abc import Mapping

from dotenv import dotenv_values

from infra.native import signing_keys
from infra.native.errors import StackError
from infra.native.processes import listener
from infra.native.run import ROOT, Run, is_free, write_private

FREE = {"0", "free"}
KEPT_KEYS = 6  # a mail's link for unsubscribing should hold for years


def given() -> dict[str, str]:
    """The user's own `PREGON_…` settings: the environment's, then those of `.env`.

    Of `.env` also `AWS_…`, which lead to S3-compatible storage; processes inherit the others.
    """
    file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    aws = {name: value for name, value in file.items() if name.startswith("AWS_")}
    both = {**file, **os.environ}
    own = {name: value for name, value in both.items() if name.startswith("PREGON_") and value}
    return {**{name: os.environ.get(name, value) for name, value in aws.items()}, **own}


def compute(run: Run, given: Mapping[str, str], urls: Mapping[str, str]) -> dict[str, str]:
    """All settings of a stack about to start; `urls` lead to its private servers."""
    web, soap = _port(run, given, "WEB", "8000"), _port(run, given, "SOAP", "8001")
    defaults = {
        "PREGON_WEB_HOST": "127.0.0.1",
        "PREGON_SOAP_HOST": "127.0.0.1",
        "PREGON_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "PREGON_SOAP_URL": f"http://127.0.0.1:{soap}/risk-central",
        "PREGON_FILES_URL": f"file://{run.path}/files",
        **links(run),
        "PREGON_SOAP_PASSWORD": run.generated.secret("soap"),
        **signing_keys.of(run, given),
    }

    own = {
        "PREGON_RUN_DIR": str(run.path),
        "PREGON_WEB_PORT": web,
        "PREGON_SOAP_PORT": soap,
    }
    return {**defaults, **urls, **given, **own}


def links(run: Run) -> dict[str, str]:
    """The key that signs links and cookies, and those by which former ones still hold."""
    numbers = range(run.generated.number("links"), 0, -1)
    names = ["links" if number == 1 else f"links_{number}" for number in numbers]
    present, *former = [run.generated.secret(name) for name in names[:KEPT_KEYS]]
    return {"PREGON_SECRET_KEY": present, "PREGON_FORMER_KEYS": ",".join(former)}


def check_doors(environ: Mapping[str, str]) -> None:
    """Raise StackError when somebody else listens where the product should."""
    for door in ("WEB", "SOAP"):
        host, port = environ[f"PREGON_{door}_HOST"], int(environ[f"PREGON_{door}_PORT"])
        if not is_free(host, port):
            owner = listener(port) or "another program"
            raise StackError(
                f"Port {port} is taken by {owner}. End it, or choose another port: "
                f"PREGON_{door}_PORT=0 make up takes a free one."
            )


def write(run: Run, environ: Mapping[str, str]) -> None:
    """Remember the settings with which the stack runs."""
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(environ.items()))
    write_private(run.environment, "".join(lines))


def read(run: Run) -> dict[str, str]:
    """The settings with which the stack was started; empty before the first start."""
    if not run.environment.exists():
        return {}
    pairs = (item.partition("=") for item in shlex.split(run.environment.read_text()))
    return {name: value for name, _, value in pairs}


def _port(run: Run, given: Mapping[str, str], door: str, default: str) -> str:
    port = given.get(f"PREGON_{door}_PORT", default)
    if port in FREE:
        return str(run.generated.port(door.lower()))
    if not port.isdigit() or int(port) > 65535:
        raise StackError(f"PREGON_{door}_PORT={port} is no port: give 1 to 65535, or 0 for any.")
    return port
