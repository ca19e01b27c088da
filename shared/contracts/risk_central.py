"""risk_central: what the bureau knows of a person, and what a load of its file did.

Its main door is SOAP; these are the same values in Python.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from shared.contract import Event, Id, Limit, Line, Model, Page, procedure
from shared.contracts.loads import Column, LoadProgress, PreviewRow
from shared.contracts.loads import LoadState as LoadState
from shared.contracts.soap_clients import FORMER_HOURS as FORMER_HOURS
from shared.contracts.soap_clients import IssuedSoapClient as IssuedSoapClient
from shared.contracts.soap_clients import NewSoapClient as NewSoapClient
from shared.contracts.soap_clients import SoapClient as SoapClient
from shared.contracts.soap_clients import SoapClientChange as SoapClientChange
from shared.contracts.soap_clients import SoapLedger as SoapLedger
from shared.contracts.soap_clients import SoapOutcome as SoapOutcome
from shared.contracts.soap_clients import SoapQuestion as SoapQuestion
from shared.contracts.soap_clients import SoapUse as SoapUse
from shared.contracts.soap_clients import activate_soap_client as activate_soap_client
from shared.contracts.soap_clients import create_soap_client as create_soap_client
from shared.contracts.soap_clients import deactivate_soap_client as deactivate_soap_client
from shared.contracts.soap_clients import get_soap_client as get_soap_client
from shared.contracts.soap_clients import get_soap_ledger as get_soap_ledger
from shared.contracts.soap_clients import list_soap_askers as list_soap_askers
from shared.contracts.soap_clients import list_soap_clients as list_soap_clients
from shared.contracts.soap_clients import list_soap_questions as list_soap_questions
from shared.contracts.soap_clients import renew_soap_secret as renew_soap_secret
from shared.contracts.soap_clients import update_soap_client as update_soap_client
from shared.permissions import Permission, Role
from shared.personal import CEDULA, IDENTIFYING
from shared.scope import HOUSE
from shared.words import Term

Score = Annotated[int, Field(ge=0, le=999)]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
DaysOverdue = Annotated[int, Field(ge=0, le=65_535)]


class RiskPermission(Permission):
    """On the bureau's data."""

    LOAD = "risk.load", "Cargar la central de riesgos", Role.ADMIN
    SEARCH = "risk.search", "Buscar personas en la central de riesgos", Role.ADMIN
    CLIENTS = "risk.clients", "Administrar clientes SOAP de la central de riesgos", Role.ADMIN


class RiskPurpose(Term):
    """What a person's credit data may be asked for; the law wants it on record (LOPDP)."""

    SALE = "sale", "Venta"
    COLLECTION = "collection", "Cobranza"
    REVIEW = "review", "Revisión de cartera"
    HOLDER = "holder", "Pedido del titular"


class RiskCategory(Term):
    """Normal (A1–A3), potential (B1, B2), deficient (C1, C2), doubtful (D) or loss (E)."""

    A1 = "A1", "A1"
    A2 = "A2", "A2"
    A3 = "A3", "A3"
    B1 = "B1", "B1"
    B2 = "B2", "B2"
    C1 = "C1", "C1"
    C2 = "C2", "C2"
    D = "D", "D"
    E = "E", "E"


class RiskReport(Model):
    """A person's risk as last reported; a higher score is a lower risk."""

    cedula: Annotated[str, CEDULA]
    full_name: Annotated[str, Field(min_length=1, max_length=200), IDENTIFYING]
    category: RiskCategory
    score: Score
    total_debt: Dollars
    days_overdue: DaysOverdue
    reported_on: Annotated[date, Field(ge=date(1970, 1, 1), le=date(2149, 1, 1))]
    source: Annotated[str, Field(min_length=1, max_length=60)]


class RejectedRow(Model):
    """A row that was not loaded: its line in the file (the header is 1) and why, in Spanish."""

    line: int
    reason: str


class LoadReport(Model):
    """What a load did: read = created + updated + unchanged + rejected.

    `rejected_rows` names the first thousand of them.
    """

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_rows: tuple[RejectedRow, ...] = ()


class NewLoad(Model):
    """A file in the store to load; a full one stands for all persons, others change theirs only."""

    file_key: str
    file_name: Annotated[Line, Field(max_length=200)]
    full: bool = False
    removes_most: bool = False  # a full one may remove more than half of the persons
    dry_run: bool = False
    hold: bool = False  # read the first rows and wait for `resume_load`


class Load(LoadProgress):
    """A load's progress; `rejected_key` has the columns `linea` and `motivo`."""

    full: bool  # whoever is not in the file is removed
    removes_most: bool
    dry_run: bool
    removed: int


class LoadPreview(Model):
    """The first rows of a file as they will be read."""

    columns: list[str]
    rows: list[PreviewRow]


RISK_FILE = (
    Column("cedula", "cedula", "Cédula", required=True),
    Column("full_name", "full_name", "Nombre completo", required=True),
    Column("category", "category", "Calificación", required=True),
    Column("score", "score", "Puntaje", required=True),
    Column("total_debt", "total_debt", "Deuda total", required=True),
    Column("days_overdue", "days_overdue", "Días de mora", required=True),
    Column("reported_on", "reported_on", "Datos al", required=True),
    Column("source", "source", "Fuente", required=True),
)


@procedure("risk_central", scope=HOUSE)
def start_load(new: NewLoad) -> Load:
    """Begin to load a risk file in the background.

    The answer comes at once; ask for the load to see how far it is. Loads follow each other. After
    a full one everybody is asked of its persons at once, and who is not in it is removed; who is in
    it with a row that was rejected stays as before.

    NotFound: there is no such file.
    """


@procedure(
    "risk_central", scope=HOUSE, example={"dry_run": False, "removes_most": False, "hold": False}
)
def resume_load(
    load_id: Id,
    dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
    removes_most: bool | None = None,  # noqa: FBT001  # as above
    hold: bool = False,  # noqa: FBT001, FBT002  # as above
) -> Load:
    """Go on with a load that is held.

    A null is as before. Held again, its first rows are read anew.

    NotFound: there is no such load.
    Conflict: the load is not held.
    """


@procedure("risk_central", scope=HOUSE)
def cancel_load(load_id: Id) -> Load:
    """Stop a load.

    What was loaded stays and counts, but of a full load nothing is kept. Cancelling again does no
    harm.

    NotFound: there is no such load.
    Conflict: the load has ended otherwise.
    """


@procedure("risk_central", scope=HOUSE)
def preview_load(load_id: Id) -> LoadPreview:
    """Get the first rows of a file that is held, as they will be read.

    Without rows of a load that is not held.

    NotFound: there is no such load.
    """


@procedure("risk_central", scope=HOUSE, example={"removes_most": True})
def rerun_load(
    load_id: Id,
    removes_most: bool | None = None,  # noqa: FBT001  # arguments travel by name
) -> Load:
    """Go on with a load that failed, after what it had done, or load what was only tried.

    One that failed keeps its id and its counts; of a dry run that is done a new load begins, with
    an id of its own. A null is as before.

    NotFound: there is no such load, or its file is gone.
    Conflict: the load did not fail and was no dry run.
    """


@procedure("risk_central", scope=HOUSE)
def get_load(load_id: Id) -> Load:
    """Get a load's progress and counts.

    At the end read = created + updated + unchanged + rejected.

    NotFound: there is no such load.
    """


@procedure("risk_central", scope=HOUSE)
def list_loads(after: str | None = None, limit: Limit = 20) -> Page[Load]:
    """List loads of the risk file, newest first.

    With their progress as it is now.
    """


@procedure("risk_central", scope=HOUSE, whole=RiskPermission.SEARCH)
def find_risks(search: str, purpose: RiskPurpose) -> list[RiskReport]:
    """Find people by cédula or name, best match first, at most 20.

    Who searched, for what and who was shown is on record.

    Invalid: the cédula or the name cannot be searched for; at `search`.
    """


class CategoryNews(Model):
    """A person's category after a load; None: the bureau knows the person no more."""

    cedula: str
    category: RiskCategory | None


class LoadMoved(Event, service="risk_central"):
    """A load of the bureau's file has got on or ended: for pages that show it."""

    load_id: int


class RisksChanged(Event, service="risk_central"):
    """A load brought new categories; batches of at most 500."""

    at: datetime  # of the load's chunk; what was heard of a person later than that stays
    risks: list[CategoryNews]
