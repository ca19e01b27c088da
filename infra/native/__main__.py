"""The stack's commands: `python -m infra.native up | down | status | rotate`.

`exec -- COMMAND…` runs a command with the settings of the running stack, `with-servers
[--durable] -- COMMAND…` with those of servers that live as long as the command.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.native import environment, servers, signing_keys, stack
from infra.native.errors import StackError
from infra.native.run import ROOT, Run


def main() -> int:
    """Do what the command line says; the exit code is 0 when it went well."""
    arguments = _parser().parse_args()
    try:
        return _do(arguments)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.native", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "status", "rotate"):
        verbs.add_parser(verb)
    verbs.add_parser("exec").add_argument("command", nargs="+")
    with_servers = verbs.add_parser("with-servers")
    with_servers.add_argument("--durable", action="store_true")
    with_servers.add_argument("command", nargs="+")
    return parser


def _do(arguments: argparse.Namespace) -> int:
    run = Run.of(environment.given())
    match arguments.verb:
        case "up":
            stack.up(run)
        case "down":
            stack.down(run)
        case "rotate":
            stack.rotate(run)
        case "status":
            return 0 if stack.status(run) else 1
        case "exec":
            environ = environment.read(run)
            return _run(arguments.command, environ | signing_keys.of_gateway(environ))
        case "with-servers":
            return _with_servers(arguments.command, durable=arguments.durable)
    return 0


def _with_servers(command: list[str], *, durable: bool) -> int:
    with servers.running(environment.given(), durable=durable) as settings:
        return _run(command, settings | signing_keys.of_gateway(settings))


def _run(command: list[str], settings: Mapping[str, str]) -> int:
    scripts = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    environ = {**os.environ, **settings, "PATH": scripts}
    return subprocess.run(command, env=environ, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
