"""Make the accounts of a stack at its servers, and write each process the file that it reads."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from infra.accounts import admin, broker, database, keys
from infra.accounts.table import NOWHERE, SERVERS, Account, url_with
from infra.native.run import Run, write_private

ADMIN = "PREGON_AMQP_ADMIN_URL"


def file_of(run: Run, account: str) -> str:
    """The file that tells a process whom it is at the servers."""
    return str(run.path / "accounts" / f"{account}.env")


def make(run: Run, environ: Mapping[str, str], accounts: Iterable[Account]) -> None:
    """Make what is missing and write the files; what a server refuses stands in `shared`."""
    found = list(accounts)
    refused = {name: why for name in SERVERS if (why := _refusal(name, environ))}
    for name in SERVERS:
        if name not in refused:
            _MAKERS[name](run, environ, found)
    for account in found:
        _write(run, environ, account, refused)
    write_private(run.path / "accounts" / "shared.json", json.dumps(refused))


def shared(run: Run) -> dict[str, str]:
    """The servers where one account serves all, and why."""
    file = run.path / "accounts" / "shared.json"
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return found


def passwords(run: Run, server: str, accounts: Iterable[Account]) -> dict[str, str]:
    """Each account has one of its own at each server."""
    return {a.name: run.generated.secret(f"{server}_{a.name}") for a in accounts}


def _refusal(name: str, environ: Mapping[str, str]) -> str:
    if name == "amqp":
        return admin.refusal(environ.get(ADMIN, ""))
    return (database if name == "database" else keys).refusal(environ[SERVERS[name]])


def _make_at_broker(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    """The broker keeps them: it is told again only what it does not know yet."""
    vhost = unquote(urlsplit(environ["PREGON_AMQP_URL"]).path.removeprefix("/")) or "/"
    known = passwords(run, "amqp", accounts)
    wanted = broker.definitions(_namespace(environ), vhost, accounts, known)
    without_salt = json.dumps([wanted["permissions"], wanted["topic_permissions"], known])
    digest = hashlib.sha256(f"{environ['PREGON_AMQP_URL']}{without_salt}".encode()).hexdigest()
    told = run.path / "accounts" / "broker.sha256"
    if not told.exists() or told.read_text() != digest:
        admin.apply(environ[ADMIN], wanted)
        told.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(told, digest)


def _make_at_database(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    secrets = passwords(run, "database", accounts)
    database.make(environ["PREGON_DATABASE_URL"], _namespace(environ), accounts, secrets)


def _make_at_redis(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    secrets = passwords(run, "redis", accounts)
    keys.make(environ["PREGON_REDIS_URL"], _namespace(environ), accounts, secrets)


_MAKERS = {"amqp": _make_at_broker, "database": _make_at_database, "redis": _make_at_redis}


def remove(environ: Mapping[str, str], accounts: Iterable[Account]) -> None:
    """Take the accounts away again, after the databases."""
    found, namespace = list(accounts), _namespace(environ)
    database.remove(environ["PREGON_DATABASE_URL"], namespace, found)
    keys.remove(environ["PREGON_REDIS_URL"], namespace, found)
    admin.remove(environ.get(ADMIN, ""), [f"{namespace}_{a.name}" for a in found])


def _write(
    run: Run, environ: Mapping[str, str], account: Account, refused: Mapping[str, str]
) -> None:
    lines = [f"{SERVERS[name]}='{_url(run, environ, account, name, refused)}'" for name in SERVERS]
    file = run.path / "accounts" / f"{account.name}.env"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(file, "\n".join([*lines, ""]))


def _url(
    run: Run, environ: Mapping[str, str], account: Account, name: str, refused: Mapping[str, str]
) -> str:
    if name not in account.servers:
        return NOWHERE
    if name in refused:
        return environ[SERVERS[name]]
    user = f"{_namespace(environ)}_{account.name}"
    return url_with(environ[SERVERS[name]], user, run.generated.secret(f"{name}_{account.name}"))


def _namespace(environ: Mapping[str, str]) -> str:
    return environ.get("PREGON_NAMESPACE") or "pregon"
