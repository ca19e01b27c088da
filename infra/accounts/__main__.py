"""The accounts of the product in containers: `python -m infra.accounts`, once before all others.

PostgreSQL is told of them; broker and Redis read files at their start. The run directory stays in
a volume, and so do the secrets; each folder below it that another container reads is a volume of
its own, mounted there and nowhere else.
"""

import json
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.accounts import broker, database, keys, make
from infra.accounts.table import Account, Login
from infra.native import programs
from infra.native.run import Run, write_private


def main() -> None:
    """Make what is missing; running it again changes nothing."""
    run = Run(Path(os.environ["PREGON_RUN_DIR"]))
    environ = {name: value for name, value in os.environ.items() if name not in make.KEYS}
    # Those of docker-compose.yml are the processes by default
    accounts = list({one.account: None for one in programs.product({}) if one.account})
    logins = make.logins(run, environ, "database", accounts)
    database.make(environ["PREGON_DATABASE_URL"], make.namespace(environ), accounts, logins)
    make.write(run, environ, accounts, {})
    _write(run.path / "rabbitmq/definitions.json", json.dumps(_definitions(run, environ, accounts)))
    _write(run.path / "redis/users.acl", _users(run, environ, accounts))
    for account in accounts:
        Path(make.file_of(run, account.name)).chmod(0o444)  # by a user of another number


def _definitions(run: Run, environ: dict[str, str], accounts: list[Account]) -> dict[str, object]:
    """All that the broker starts with, and who may do anything there."""
    parts = urlsplit(environ["PREGON_AMQP_URL"])
    vhost, mighty = unquote(parts.path.removeprefix("/")), str(parts.username)
    logins = make.logins(run, environ, "amqp", accounts)
    found = broker.definitions(make.namespace(environ), vhost, accounts, logins)
    found["users"].append(broker.user(Login(mighty, unquote(str(parts.password)))))
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    found["permissions"].append({"user": mighty, "vhost": vhost, **everything})
    return {**found, "vhosts": [{"name": vhost}]}


def _users(run: Run, environ: dict[str, str], accounts: list[Account]) -> str:
    password = unquote(str(urlsplit(environ["PREGON_REDIS_URL"]).password))
    logins = make.logins(run, environ, "redis", accounts)
    lines = keys.lines(make.namespace(environ), accounts, logins)
    return "\n".join([f"user default on >{password} ~* &* +@all", *lines, ""])


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, text)
    file.chmod(0o444)


if __name__ == "__main__":
    main()
