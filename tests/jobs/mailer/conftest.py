"""A run on the real database, and a real mail server that answers as a test wants."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from services.mailer import builtin, designs, mailings
from services.mailer.models import Mailing, Recipient
from shared import jobs, transfer
from shared.contracts import mailer as contract
from shared.settings import settings

FREE_PORT = 0


@dataclass
class Post:
    """What the mail server took, and how it is to behave."""

    got: list[tuple[str, bytes]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)  # address → answer to RCPT
    hang_up: dict[str, str] = field(default_factory=dict)  # address → "rcpt" or "data"
    on_mail: Callable[[int], None] = lambda _count: None  # called with each mail's number
    seconds: float = 0.0  # per mail
    pipelining: bool = True

    @property
    def addresses(self) -> list[str]:
        """Recipients in the order of arrival."""
        return [address for address, _ in self.got]

    def message(self, index: int = -1) -> EmailMessage:
        """A mail as Python reads it."""
        return message_from_bytes(self.got[index][1], policy=policy.default)

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name for it
        self, _server: SMTP, session: SmtpSession, _envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*lines[:-1], *(["250-PIPELINING"] if self.pipelining else []), lines[-1]]

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's names
        self, server: Any, _session: SmtpSession, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.hang_up.get(address) == "rcpt":
            server.transport.abort()
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's names
        self, server: Any, _session: SmtpSession, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds)
        self.got.append((envelope.rcpt_tos[0], envelope.original_content or b""))
        await asyncio.to_thread(self.on_mail, len(self.got))
        if self.hang_up.get(envelope.rcpt_tos[0]) == "data":
            server.transport.abort()
        return "250 taken"


class MailServer(Controller):
    """aiosmtpd on a free port of its own."""

    def factory(self) -> SMTP:
        return SMTP(self.handler, loop=self.loop, enable_SMTPUTF8=True)

    @property
    def taken_port(self) -> int:
        assert isinstance(self.server, asyncio.Server)
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        """See whether it is up; the base class would try port 0."""
        socket.create_connection(("127.0.0.1", self.taken_port), timeout=5).close()


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """The mail server that the settings lead to, for this test."""
    handler = Post()
    server = MailServer(handler, hostname="127.0.0.1", port=FREE_PORT)
    server.start()
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{server.taken_port}")
    yield handler
    server.stop()


@dataclass(frozen=True)
class Mailer:
    """The room's database with functions that go the product's own ways."""

    sessions: sessionmaker[Session]

    def create(self, people: list[dict[str, Any]], **values: Any) -> int:
        """A run whose audience has been loaded by chunk jobs; its further jobs wait."""
        with self.sessions.begin() as session:
            design = designs.list_designs(session, None, 1).rows[0]
            row = {
                "campaign_id": 1,
                "campaign_name": "Fibra",
                "kind": contract.MailingKind.ON_DEMAND,
                "design_id": design.id,
                "design_name": design.name,
                "subject": "Hola {{ primer_nombre }}",
                "created_by": "jefe",
            }
            mailing = mailings.insert_mailing(session, row | values)
            assert mailing is not None
            mailing_id, transfer_id = mailing.id, mailing.transfer_id
        for chunk in chunks(transfer_id, people):
            jobs.app.tasks["mailer.load_recipients_chunk"].run(chunk)
        return mailing_id

    def drain(self, *, but: tuple[str, ...] = ()) -> None:
        """Do the jobs in the outbox, and those they lead to, as relay and worker would."""
        while waiting := self._take(but):
            for name, arguments in waiting:
                jobs.app.tasks[name].run(*arguments)

    def _take(self, but: tuple[str, ...]) -> list[tuple[str, list[Any]]]:
        query = text(
            "DELETE FROM outbox WHERE task IS NOT NULL AND task <> ALL(:but)"
            " RETURNING id, task, payload"
        )
        with self.sessions.begin() as session:
            rows = sorted(session.execute(query, {"but": list(but)}))
        return [(task, payload["arguments"]) for _, task, payload in rows]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was announced, oldest first."""
        query = text("SELECT payload FROM outbox WHERE routing_key = :kind ORDER BY id")
        with self.sessions() as session:
            return list(session.execute(query, {"kind": kind}).scalars())

    def shown(self, mailing_id: int) -> contract.Mailing:
        """The run as a page sees it, its counts checked against the ledger itself."""
        with self.sessions() as session:
            mailing = mailings.get_mailing(session, mailing_id)
            counts = mailings.count_by_state(session, [mailing.transfer_id])
            shown = mailings.to_contract(mailing, counts[mailing.transfer_id])
        self._check_counts(shown, mailing.transfer_id)
        return shown

    def _check_counts(self, shown: contract.Mailing, transfer_id: UUID) -> None:
        query = text("SELECT state, count(*) FROM recipient WHERE transfer_id = :id GROUP BY 1")
        with self.sessions() as session:
            counted: dict[str, int] = dict(session.execute(query, {"id": transfer_id}).all())
        told = {
            name: getattr(shown, name)
            for name in ("pending", "sending", "sent", "failed", "doubtful", "cancelled")
        } | {"skipped": sum(shown.skipped.values())}
        assert {name: count for name, count in told.items() if count} == counted
        assert shown.target == sum(told.values())

    def rows(self, mailing_id: int) -> dict[int, Recipient]:
        """The ledger by customer."""
        query = (
            select(Recipient)
            .join(Mailing, Mailing.transfer_id == Recipient.transfer_id)
            .where(Mailing.id == mailing_id)
        )
        with self.sessions() as session:
            return {row.customer_id: row for row in session.execute(query).scalars()}

    def wait(self) -> None:
        """Every wait is over, of people and of mail servers; the sweeper looks, and jobs run."""
        self.execute("UPDATE recipient SET retry_at = now() WHERE retry_at IS NOT NULL")
        self.execute("UPDATE mail_server SET retry_at = now()")
        jobs.app.tasks["mailer.sweep"].run()
        self.drain()

    def execute(self, statement: str, **values: Any) -> None:
        """Set the stage by SQL."""
        with self.sessions.begin() as session:
            session.execute(text(statement), values)


@pytest.fixture
def mailer(database: Callable[[str], sessionmaker[Session]]) -> Mailer:
    """The room with its built-in designs and nothing else."""
    sessions = database("mailer")
    with sessions.begin() as session:
        builtin.seed(session)
    return Mailer(sessions)


def person(customer_id: int, **values: Any) -> dict[str, Any]:
    """Somebody of an audience."""
    return {
        "customer_id": customer_id,
        "cedula": f"{customer_id:010}",
        "first_names": f"Ana {customer_id}",
        "last_names": "Mora Ruiz",
        "gender": "F",
        "birth_on": "1990-01-01",
        "province": "17",
        "canton": "1701",
        "category": "loyal",
        "joined_on": "2012-03-04",
        "email": f"c{customer_id}@correo.example",
        "held": None,
        "contact_version": 1,
    } | values


def people(count: int) -> list[dict[str, Any]]:
    """The first so many, all of them to be mailed."""
    return [person(number) for number in range(1, count + 1)]


def chunks(transfer_id: UUID, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as the exporter's chunks."""
    sent: list[dict[str, Any]] = []
    cutter = transfer.Cutter(transfer_id, 1, lambda chunk: sent.append(chunk.to_wire()))
    for row in rows:
        values = [str(transfer_id), *row.values()]
        cutter.write(
            "\t".join("\\N" if value is None else str(value) for value in values).encode() + b"\n"
        )
    cutter.finish()
    return sent


class Once:
    """Calls a function at one mail only, whichever thread it comes in."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self._number, self._act, self._lock = number, act, threading.Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            if count == self._number:
                self._act()
