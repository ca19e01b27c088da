"""Links by mail: asked for, read out of the letter, and looked up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from services.identity import jobs, password_links
from shared import mail_links, trace
from shared.contracts.identity import (
    NewUser,
)
from shared.errors import NotFound
from shared.permissions import Role
from tests.databases import audited_of, outbox_of

PASSWORD = "una-clave-larga"
OTHER = "correo lluvia mesa"
HERE = "10.0.0.1"
MAIL = "ana@correo.example"
Sessions = sessionmaker[Session]


def make(identity: Any, username: str = "ana", **values: Any) -> Any:
    new = {"full_name": "Ana Mora", "role": Role.ADVISOR, "password": PASSWORD, "email": MAIL}
    return identity.create_user(NewUser.model_validate({"username": username} | new | values))


def invite(identity: Any, **values: Any) -> Any:
    return make(identity, password=None, **values)


@contextmanager
def nobody() -> Iterator[None]:
    """Whoever opens the page of the log-in."""
    with trace.use():
        yield


def ask(identity: Any, db: Sessions, who: str = "ana", source: str = HERE) -> None:
    """Somebody asks, and the job runs that this hands over."""
    before = len(asked_jobs(db))
    with nobody():
        identity.ask_password_reset(who, source)
        for arguments in asked_jobs(db)[before:]:
            with db.begin() as session:
                password_links.send_reset(session, *arguments)


def asked_jobs(db: Sessions) -> list[list[Any]]:
    name = jobs.send_reset_link.name
    return [payload["arguments"] for kind, payload in outbox_of(db) if kind == name]


def letters(db: Sessions) -> list[dict[str, Any]]:
    return [payload for kind, payload in outbox_of(db) if kind == "letter_requested"]


def links(db: Sessions) -> list[dict[str, Any]]:
    return [letter for letter in letters(db) if mail_links.FIELD in letter["fields"]]


def read(letter: dict[str, Any]) -> str:
    """The word that the mailer puts into the mail."""
    return mail_links.word(letter["fields"]["link"], letter["person"]["email"])


def last(db: Sessions) -> str:
    return read(links(db)[-1])


def is_good(identity: Any, word: str) -> bool:
    with nobody():
        try:
            identity.get_link_holder(word)
        except NotFound:
            return False
    return True


def actions(db: Sessions) -> list[str]:
    return [line["action"] for line in audited_of(db)]


@contextmanager
def statements(db: Sessions) -> Iterator[list[str]]:
    made: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        made.append(statement)

    engine = db.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(engine, "before_cursor_execute", note)
