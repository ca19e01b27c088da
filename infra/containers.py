"""The demo in containers: `python -m infra.containers up | demo | status | logs | down`.

What `make` does when `PREGON_STACK=compose`. Needs a container engine and any recent Python; the
secrets and log-ins that it makes lie in the run directory, as those of the native stack do.
"""

import json
import os
import subprocess
import sys

from infra.native import credentials, screen
from infra.native.errors import StackError
from infra.native.run import ROOT, Run, write_private

PROFILES = ("--profile", "demo")
ONCE = ("run", "--rm", "--no-deps", "-T", "demo")
SECRETS = ("AMQP", "DATABASE", "REDIS", "SOAP")
KEYS = ("PREGON_GATEWAY_KEY", "PREGON_BEAT_KEY", "PREGON_TRUSTED_KEYS")
MAKE_KEYS = ("docker", "run", "--rm", "pregon:0.1.0", "python", "-m", "infra.native.signing_keys")
_VERBS = {
    "status": ("ps", "--all"),
    "logs": ("logs", "--follow", "--tail", "20"),
    "down": ("down", "--remove-orphans"),
}


def settings(run: Run) -> dict[str, str]:
    """What compose needs to know for a demo; what the user gave wins."""
    port = os.environ.get("PREGON_WEB_PORT", "8000")
    made = {f"PREGON_{name}_PASSWORD": run.generated.secret(name.lower()) for name in SECRETS}
    made |= {
        "PREGON_SECRET_KEY": run.generated.secret("links"),
        "PREGON_SMTP_URL": "smtp://mail:8025",
        "PREGON_MAIL_CATCHER_DIR": "/var/lib/pregon/mail",
        "PREGON_CALLING_HOURS": "00:00-24:00",
        "PREGON_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    made |= _keys(run)
    made |= {name: value for name, value in os.environ.items() if name in made and value}
    credentials.write(run, made)
    users = credentials.read(run)
    return made | {
        "PREGON_ADMIN_PASSWORD": users["admin"]["password"],
        "PREGON_CREDENTIALS": json.dumps(users),
    }


def up(run: Run, environ: dict[str, str]) -> None:
    """Build, start and fill the product, and say where it is."""
    screen.run("image", _compose("build", "--quiet"), environ, ROOT)
    environ |= _make_keys(run)
    screen.run("containers healthy", _compose("up", "--detach", "--wait"), environ, ROOT)
    seeded = run.path / "seeded"
    if not seeded.exists():
        seed = _compose(*ONCE, "python", "-W", "ignore", "-m", "infra.demo.seed")
        screen.run("first data", seed, environ, ROOT)
        seeded.touch()
    soap = f"http://127.0.0.1:{environ.get('PREGON_SOAP_PORT', '8001')}/risk-central"
    print(screen.where(environ | {"PREGON_SOAP_URL": soap}, credentials.read(run)))


def _keys(run: Run) -> dict[str, str]:
    """By which the parts know each other's word; compose wants them set before they are made."""
    if not (file := run.path / "keys").exists():
        return dict.fromkeys(KEYS, "-")
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _make_keys(run: Run) -> dict[str, str]:
    """Once in the life of a run directory, by the image, which has what that takes."""
    if not (file := run.path / "keys").exists():
        made = subprocess.run(MAKE_KEYS, capture_output=True, text=True, check=True)
        write_private(file, made.stdout)
    return {name: os.environ.get(name) or value for name, value in _keys(run).items()}


def main() -> int:
    """Do what the command line says; the exit code is 0 when it went well."""
    verb = sys.argv[1] if len(sys.argv) == 2 else "help"
    run = Run((ROOT / (os.environ.get("PREGON_RUN_DIR") or ".run-compose")).resolve())
    run.make()
    environ = dict(os.environ) | settings(run)
    try:
        if verb in {"up", "demo"}:
            up(run, environ)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if verb == "up":
        return 0
    words = ONCE if verb == "demo" else _VERBS[verb]
    return subprocess.run(_compose(*words), env=environ, cwd=ROOT, check=False).returncode


def _compose(*words: str) -> list[str]:
    return ["docker", "compose", *PROFILES, *words]


if __name__ == "__main__":
    sys.exit(main())
