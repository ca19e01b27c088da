"""The doors of risk_central for SOAP clients and what they asked."""

from datetime import date
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from services.risk_central import clients, questions, use
from services.risk_central.models import SoapClient
from shared import audit, edits, trace
from shared.contract import Page
from shared.contracts import risk_central as contract
from shared.contracts.audit import AuditAction, AuditKind, AuditPermission
from shared.contracts.soap_clients import SoapOutcome
from shared.ecuador.cedula import normalise_cedula
from shared.errors import Denied, Invalid
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query, query_recorded

_SECRET = "password_hash"  # noqa: S105  # under which the record tells that a secret is another


class ClientDoors(Room):
    """Other systems that ask the bureau; the door knows of a change within seconds."""

    redis: Redis = RedisClient()

    @query(contract.list_soap_clients)
    def list_soap_clients(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.SoapClient]:
        found = clients.list_clients(session, after, limit)
        today = self._use_of([client.name for client, *_ in found.rows])
        return Page.cut(found, lambda row: _shown(row[0], row[1], today.get(row[0].name)))

    @query(contract.get_soap_client)
    def get_soap_client(self, session: Session, name: str) -> contract.SoapClient:
        return self._show(session, clients.get_client(session, name))

    @command(contract.create_soap_client)
    def create_soap_client(
        self, session: Session, new: contract.NewSoapClient
    ) -> contract.IssuedSoapClient:
        client, secret = clients.insert_client(session, new, trace.actor().full_name)
        made = new.model_dump(mode="json")
        audit.record(session, AuditAction.CREATED, AuditKind.SOAP_CLIENT, client.name, after=made)
        return self._issue(session, client, secret)

    @command(contract.update_soap_client)
    def update_soap_client(
        self, session: Session, name: str, change: contract.SoapClientChange
    ) -> contract.SoapClient:
        client = clients.get_client(session, name, lock=True)
        edits.refuse_stale(change.version, client, thing="este cliente", again="abrirlo")
        if sent := change.sent():
            before = {field: getattr(client, field) for field in sent}
            clients.set_client(session, client, sent)
            _record(session, client, before, sent)
        return self._show(session, client)

    @command(contract.renew_soap_secret)
    def renew_soap_secret(self, session: Session, name: str) -> contract.IssuedSoapClient:
        client = clients.get_client(session, name, lock=True)
        secret = clients.renew_secret(session, client)
        _record(session, client, {}, {_SECRET: client.secret_hash})
        return self._issue(session, client, secret)

    @command(contract.deactivate_soap_client)
    def deactivate_soap_client(self, session: Session, name: str) -> contract.SoapClient:
        client = clients.get_client(session, name, lock=True)
        if client.active:
            clients.deactivate(session, client)
            _record(session, client, {"active": True}, {"active": False})
        return self._show(session, client)

    @command(contract.activate_soap_client)
    def activate_soap_client(self, session: Session, name: str) -> contract.IssuedSoapClient:
        client = clients.get_client(session, name, lock=True)
        secret = clients.activate(session, client)
        told = {"active": True, _SECRET: client.secret_hash}
        _record(session, client, {"active": False}, told)
        return self._issue(session, client, secret)

    # --- what they asked ---

    @query(contract.list_soap_questions)
    def list_soap_questions(
        self,
        session: Session,
        client: str | None = None,
        day: date | None = None,
        outcome: SoapOutcome | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.SoapQuestion]:
        found = questions.list_questions(session, client, day, outcome, after, limit)
        return Page.cut(found, contract.SoapQuestion.model_validate)

    @query_recorded(contract.list_soap_askers)
    def list_soap_askers(
        self, session: Session, cedula: str, after: str | None = None, limit: int = 50
    ) -> Page[contract.SoapQuestion]:
        if AuditPermission.READ not in trace.actor().permissions:
            raise Denied("No tiene permiso para ver el registro.")
        number = _checked(cedula)
        if after is None:
            what = (AuditAction.VIEWERS_SEEN, AuditKind.BUREAU)
            audit.record(session, *what, after={"search": number})
        found = questions.list_askers(session, number, after, limit)
        return Page.cut(found, contract.SoapQuestion.model_validate)

    @query(contract.get_soap_ledger)
    def get_soap_ledger(self, session: Session) -> contract.SoapLedger:
        taken = questions.get_taken(session)
        return contract.SoapLedger(
            taken_at=taken.at if taken else None, lost=taken.lost if taken else 0
        )

    def _issue(
        self, session: Session, client: SoapClient, secret: str
    ) -> contract.IssuedSoapClient:
        shown = self._show(session, client).model_dump()
        return contract.IssuedSoapClient(**shown, secret=secret)

    def _show(self, session: Session, client: SoapClient) -> contract.SoapClient:
        today = self._use_of([client.name])
        last_at = clients.last_asked_at(session, client.name)
        return _shown(client, last_at, today.get(client.name))

    def _use_of(self, names: list[str]) -> dict[str, contract.SoapUse]:
        """Of nobody while Redis does not answer: the rest is shown all the same."""
        try:
            return use.today(self.redis, names)
        except RedisError:
            return {}


def _shown(client: SoapClient, last_at: Any, today: contract.SoapUse | None) -> contract.SoapClient:
    told = contract.SoapClient.model_fields.keys() - {"last_asked_at", "today"}
    values = {name: getattr(client, name) for name in told}
    return contract.SoapClient(**values, last_asked_at=last_at, today=today)


def _record(
    session: Session, client: SoapClient, before: dict[str, Any], after: dict[str, Any]
) -> None:
    what = (AuditAction.CHANGED, AuditKind.SOAP_CLIENT, client.name)
    audit.record(session, *what, before=before, after=after)


def _checked(cedula: str) -> str:
    try:
        return normalise_cedula(cedula)
    except ValueError as error:
        raise Invalid.field("cedula", str(error)) from None
