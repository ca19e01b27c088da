"""Make the accounts of a stack at its servers, and write each process the file that it reads.

A user has a number: passwords rotate by making the next user beside the present one, who is removed
when no process is him any more (`infra.accounts.rotate`). So two are valid at a time.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.accounts import admin, broker, database, keys
from infra.accounts.table import NOWHERE, SERVERS, Account, Login, url_with
from infra.native import rabbitmq, signing_keys
from infra.native.run import Run, write_private
from shared import tls

ADMIN = "PREGON_AMQP_ADMIN_URL"
KEYS = ("PREGON_SECRET_KEY", "PREGON_FORMER_KEYS", signing_keys.TRUSTED)


def file_of(run: Run, account: str) -> str:
    """The file that tells a process whom it is at the servers."""
    return str(run.path / "accounts" / account / "account.env")


def make(run: Run, environ: Mapping[str, str], accounts: Iterable[Account]) -> None:
    """Make what is missing and write the files; what a server refuses stands in `shared`."""
    found = list(accounts)
    (run.path / "accounts").mkdir(mode=0o700, exist_ok=True)
    refused = {name: why for name in SERVERS if (why := _refusal(name, environ))}
    for name in SERVERS:
        if name not in refused:
            _MAKERS[name](run, environ, found)
    write(run, environ, found, refused)
    write_private(run.path / "accounts" / "shared.json", json.dumps(refused))


def write(
    run: Run, environ: Mapping[str, str], accounts: Iterable[Account], refused: Mapping[str, str]
) -> None:
    """Write each process's file; where accounts are refused, with the one that serves all."""
    for account in accounts:
        urls = {name: _url(run, environ, account, name, refused) for name in SERVERS}
        lines = {SERVERS[name]: url for name, url in urls.items()} | _keys_of(environ, account)
        file = Path(file_of(run, account.name))
        file.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(file, "".join(f"{name}='{value}'\n" for name, value in lines.items()))


def _keys_of(environ: Mapping[str, str], account: Account) -> dict[str, str]:
    """Keys stand here, too, because they rotate as passwords do; only who vouches gets a half."""
    found = {name: environ[name] for name in KEYS if environ.get(name)}
    own = environ.get(signing_keys.PRIVATE.get(account.name, ""))
    return found | ({signing_keys.OWN: own} if own else {})


def shared(run: Run) -> dict[str, str]:
    """The servers where one account serves all, and why."""
    file = run.path / "accounts" / "shared.json"
    found: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return found


def logins(
    run: Run, environ: Mapping[str, str], server: str, accounts: Iterable[Account]
) -> dict[str, Login]:
    """Each account has a user and a password of its own at each server."""
    number = run.generated.number("accounts")
    return {
        account.name: Login(
            f"{namespace(environ)}_{account.name}_{number}",
            run.generated.secret(f"{server}_{account.name}_{number}"),
        )
        for account in accounts
        if server in account.servers
    }


def remove_users(environ: Mapping[str, str], server: str, users: list[str]) -> None:
    """Remove these users from a server."""
    if server == "amqp":
        admin.remove(environ.get(ADMIN, ""), users)
    else:
        (database if server == "database" else keys).remove(_mighty(environ, server), users)


def namespace(environ: Mapping[str, str]) -> str:
    """With which names at shared servers begin."""
    return environ.get("PREGON_NAMESPACE") or "pregon"


def _refusal(name: str, environ: Mapping[str, str]) -> str:
    if name == "amqp":
        return admin.refusal(environ.get(ADMIN, ""))
    ask = database.refusal if name == "database" else keys.refusal
    return ask(_mighty(environ, name))


def _mighty(environ: Mapping[str, str], name: str) -> str:
    """The URL of who may make accounts at a server."""
    url, ca_file = environ[SERVERS[name]], environ.get("PREGON_CA_FILE", "")
    return tls.redis_url(url, ca_file) if name == "redis" else tls.database_url(url, "", ca_file)


def _make_at_broker(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    """A private broker is told again only what it does not know yet: that takes seconds."""
    vhost = unquote(urlsplit(environ["PREGON_AMQP_URL"]).path.removeprefix("/")) or "/"
    known = logins(run, environ, "amqp", accounts)
    wanted = broker.definitions(namespace(environ), vhost, accounts, known)
    said = json.dumps([wanted["permissions"], wanted["topic_permissions"]])
    told = run.path / "accounts" / "broker.json"
    if told.exists() and told.read_text() == said and _lets_in(environ, known["beat"]):
        return
    admin.apply(environ[ADMIN], wanted)
    write_private(told, said)


def _lets_in(environ: Mapping[str, str], login: Login) -> bool:
    try:
        url = url_with(environ["PREGON_AMQP_URL"], login)
        rabbitmq.check(url, environ.get("PREGON_CA_FILE", ""))
    except Exception:  # whatever it is, the accounts are made again
        return False
    return True


def _make_at_database(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    known = logins(run, environ, "database", accounts)
    database.make(_mighty(environ, "database"), namespace(environ), accounts, known)


def _make_at_redis(run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
    known = logins(run, environ, "redis", accounts)
    keys.make(_mighty(environ, "redis"), namespace(environ), accounts, known)


_MAKERS = {"amqp": _make_at_broker, "database": _make_at_database, "redis": _make_at_redis}


def _url(
    run: Run, environ: Mapping[str, str], account: Account, name: str, refused: Mapping[str, str]
) -> str:
    if name not in account.servers:
        return NOWHERE
    if name in refused:
        return environ[SERVERS[name]]
    login = logins(run, environ, name, [account])[account.name]
    return url_with(environ[SERVERS[name]], login)
