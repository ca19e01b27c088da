"""risk_central's SOAP clients: which systems ask the bureau, how much, and what they asked."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.change import Change
from shared.contract import SECRET, Day, Limit, Line, Model, Page, Whole, procedure
from shared.contracts.tokens import Network
from shared.personal import Shown
from shared.scope import HOUSE
from shared.words import Term

FORMER_HOURS = 24  # that a replaced secret is still good
MOST_AT_ONCE = 8  # questions of a client at work in a process


class SoapOutcome(Term):
    """How a question to the bureau ended; faults by their code."""

    ANSWERED = "answered", "Respondida"
    NOT_FOUND = "NotFound", "Cédula desconocida"
    INVALID_CEDULA = "InvalidCedula", "Cédula incorrecta"
    INVALID_NAME = "InvalidName", "Nombre incorrecto"
    TOO_MANY = "TooMany", "Demasiadas cédulas"
    MALFORMED = "Malformed", "Mensaje mal formado"
    VERSION = "VersionMismatch", "Otra versión de SOAP"
    HEADER = "MustUnderstand", "Cabecera desconocida"
    INTERNAL = "Internal", "Error interno"
    UNAVAILABLE = "Unavailable", "Central no disponible"
    MINUTE = "minute", "Límite por minuto"
    DAY = "day", "Cuota diaria"
    ADDRESS = "address", "Dirección no admitida"


SoapName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{2,39}$")]


class SoapUse(Model):
    """What a client asked today, in Ecuador."""

    asked: int  # questions that were answered or at fault
    persons: int  # about whom; a search by name counts those found
    refused: int  # questions beyond a limit
    last_at: datetime | None


class SoapClient(Model):
    """What is told of a client; never its secret."""

    name: str  # the user of HTTP Basic
    title: str
    per_minute: int  # questions
    per_day: int  # persons
    at_once: int  # questions, in each process of the server
    networks: list[str]  # from where it may ask; empty: from anywhere
    active: bool
    secret_at: datetime  # when the present secret was made
    former_until: datetime | None  # how long the one before is good; None: it is not
    created_at: datetime
    created_by: str
    changed_at: datetime | None
    changed_by: str | None
    last_asked_at: datetime | None  # as far as its questions are taken in
    today: SoapUse | None = None  # None: Redis does not answer
    version: int


class IssuedSoapClient(SoapClient):
    """A client with a new secret, which is kept nowhere and told once."""

    secret: Annotated[str | None, SECRET] = None  # None: it was told before


class NewSoapClient(Model):
    """Another system that may ask the bureau."""

    name: SoapName
    title: Annotated[Line, Field(min_length=3, max_length=60)]
    per_minute: Annotated[Whole, Field(ge=1, le=60_000)] = 600
    per_day: Annotated[Whole, Field(ge=1, le=10_000_000)] = 10_000
    at_once: Annotated[Whole, Field(ge=1, le=MOST_AT_ONCE)] = 4
    networks: Annotated[list[Network], Field(max_length=50)] = []


class SoapClientChange(Change, of=NewSoapClient, but={"name"}):
    """What to change of a client."""


class SoapQuestion(Model):
    """A question to the bureau; whose it was about stands there as fingerprints alone."""

    id: int
    at: datetime
    client: str
    operation: str  # of the WSDL; empty: none of them was understood
    persons: int  # that it was about
    known: int  # of them, in the answer
    outcome: SoapOutcome
    address: Annotated[str, Shown("of the network, of the system that asked")]
    milliseconds: int  # until its answer was on record
    people: list[str]


class SoapLedger(Model):
    """How whole the record of questions is."""

    taken_at: datetime | None  # when the door's lines were last taken in
    lost: int  # lines that fell out of the door's full stream before that


@procedure("risk_central", scope=HOUSE)
def list_soap_clients(after: str | None = None, limit: Limit = 50) -> Page[SoapClient]:
    """List the systems that may ask the bureau, by name, with their use of today.

    Also those that were deactivated; never with their secrets. The house's own user is none.
    """


@procedure("risk_central", scope=HOUSE)
def get_soap_client(name: SoapName) -> SoapClient:
    """Get a SOAP client.

    With its use of today; never with its secret.

    NotFound: there is no such client.
    """


@procedure(
    "risk_central",
    scope=HOUSE,
    in_person=True,
    example={
        "name": "cobranzas",
        "title": "Cobranzas del Austro",
        "per_minute": 600,
        "per_day": 10000,
        "at_once": 4,
        "networks": ["190.15.2.0/24"],
    },
)
def create_soap_client(new: NewSoapClient) -> IssuedSoapClient:
    """Let another system ask the bureau.

    `secret` is told this once, as the password of HTTP Basic: the same `Idempotency-Key` again is
    answered without it. The client can ask within seconds.

    Denied: another system asks.
    Invalid: a field is wrong, or the name is taken.
    """


@procedure("risk_central", scope=HOUSE, in_person=True, example={"per_day": 50000})
def update_soap_client(name: SoapName, change: SoapClientChange) -> SoapClient:
    """Change what a SOAP client may.

    It counts within seconds; its name stays.

    NotFound: there is no such client.
    Conflict: somebody else changed it meanwhile; at `version`.
    """


@procedure("risk_central", scope=HOUSE, in_person=True)
def renew_soap_secret(name: SoapName) -> IssuedSoapClient:
    """Give a SOAP client a new secret; the present one is good for 24 hours more.

    One that was replaced before is good no longer. `secret` is told this once.

    NotFound: there is no such client.
    Conflict: the client is deactivated.
    """


@procedure("risk_central", scope=HOUSE, in_person=True)
def deactivate_soap_client(name: SoapName) -> SoapClient:
    """Shut a SOAP client out within seconds; both of its secrets are void for good.

    One that is deactivated stays as it is.

    NotFound: there is no such client.
    """


@procedure("risk_central", scope=HOUSE, in_person=True)
def activate_soap_client(name: SoapName) -> IssuedSoapClient:
    """Let a SOAP client in again that was deactivated.

    With a new secret, told this once; those from before stay void.

    NotFound: there is no such client.
    Conflict: the client is active.
    """


@procedure("risk_central", scope=HOUSE)
def list_soap_questions(
    client: Annotated[str, Field(max_length=100)] | None = None,
    day: Day | None = None,
    outcome: SoapOutcome | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[SoapQuestion]:
    """List what was asked of the bureau over SOAP, newest first, a minute late at most.

    `day` is Ecuador's. The house's own questions stand under the name of its user.
    """


@procedure("risk_central", scope=HOUSE)
def list_soap_askers(
    cedula: Annotated[str, Field(max_length=20)], after: str | None = None, limit: Limit = 50
) -> Page[SoapQuestion]:
    """List the questions over SOAP that were about a person or found the person by name.

    Newest first. That somebody looked is on record.

    Invalid: the cédula is wrong.
    Denied: the actor may not read the record.
    """


@procedure("risk_central", scope=HOUSE)
def get_soap_ledger() -> SoapLedger:
    """Get how whole the record of SOAP questions is.

    When the door's lines were last taken in, and how many were lost before that.
    """
