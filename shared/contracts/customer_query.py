"""customer_query: the source of truth of people; imports, segments and their export."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from shared.contract import Event, Id, Limit, Model, Page, procedure
from shared.loads.contract import Column, LoadProgress, LoadState, PreviewRow

Definition = dict[str, Any]  # a segment's tree, see `services/customer_query/segments.py`
Name = Annotated[str, Field(min_length=1, max_length=120)]
Income = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]  # dollars a month
ProvinceCode = Annotated[str, Field(pattern=r"^\d{2}$")]  # INEC
CantonCode = Annotated[str, Field(pattern=r"^\d{4}$")]  # INEC


class Gender(StrEnum):
    """As in the customer file."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "X"


class Category(StrEnum):
    """By tenure: under 1 year, 1 to 10, over 10; or set by hand, with a reason."""

    NEW = "new"
    REGULAR = "regular"
    LOYAL = "loyal"


class Channel(StrEnum):
    """The ways a campaign reaches a person."""

    MAIL = "mail"
    PHONE = "phone"


class Block(StrEnum):
    """Why a person is not reachable by a channel; the first that applies, in this order."""

    DO_NOT_CONTACT = "do_not_contact"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    BOUNCED = "bounced"
    OVER_CAP = "over_cap"


class Customer(Model):
    """A person's profile."""

    id: int
    cedula: str
    first_names: str
    last_names: str
    gender: Gender | None
    birth_on: date | None
    income: Decimal | None
    province: str | None
    canton: str | None
    address: str | None
    email: str | None
    phone: str | None  # E.164
    other_phones: list[str]
    joined_on: date
    category: Category
    category_reason: str | None  # given when it was set by hand
    preferred_channel: Channel | None
    preferred_hours: str | None
    consent_mail: bool
    consent_phone: bool
    do_not_mail: bool
    do_not_call: bool
    mail_bounced: bool
    last_contact_at: datetime | None
    erased: bool
    updated_at: datetime

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()


class CustomerRow(Model):
    """A customer in a list."""

    id: int
    cedula: str
    full_name: str
    province: str | None
    canton: str | None
    category: Category
    email: str | None
    phone: str | None


class NewCustomer(Model):
    """A customer to create. Texts are checked and normalised: cédula, phones, place names."""

    cedula: Annotated[str, Field(min_length=9, max_length=20)]
    first_names: Name
    last_names: Name
    gender: Gender | None = None
    birth_on: date | None = None
    income: Income | None = None
    province: ProvinceCode | None = None
    canton: CantonCode | None = None
    address: Annotated[str, Field(max_length=300)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=30)] | None = None
    other_phones: Annotated[list[str], Field(max_length=5)] = []
    joined_on: date | None = None  # None: today
    preferred_channel: Channel | None = None
    preferred_hours: Annotated[str, Field(max_length=100)] | None = None
    consent_mail: bool = False
    consent_phone: bool = False


class CustomerChange(Model):
    """What to change: only fields that are sent count, a null empties one that may be empty."""

    cedula: Annotated[str, Field(min_length=9, max_length=20)] = ""
    first_names: Name = ""
    last_names: Name = ""
    gender: Gender | None = None
    birth_on: date | None = None
    income: Income | None = None
    province: ProvinceCode | None = None
    canton: CantonCode | None = None
    address: Annotated[str, Field(max_length=300)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=30)] | None = None
    other_phones: Annotated[list[str], Field(max_length=5)] = []
    joined_on: date | None = None
    preferred_channel: Channel | None = None
    preferred_hours: Annotated[str, Field(max_length=100)] | None = None
    consent_mail: bool = False
    consent_phone: bool = False
    do_not_mail: bool = False
    do_not_call: bool = False
    category: Category | None = None  # None: by tenure again
    category_reason: Annotated[str, Field(max_length=200)] | None = None


class TimelineEntry(Model):
    """Something that happened with a customer, for the one time line."""

    at: datetime
    kind: str  # mail, call, risk_check, consent, import, profile
    title: str  # Spanish
    detail: str
    by: str | None


class ConsentEntry(Model):
    """A line of the consent ledger: what was given or taken back, how, and who wrote it down."""

    channel: Channel
    given: bool
    how: str
    by: str | None
    at: datetime


class PersonalData(Model):
    """Everything held on a person (LOPDP, right of access)."""

    customer: Customer
    consents: list[ConsentEntry]
    timeline: list[TimelineEntry]
    campaigns: list[int]


@procedure("customer_query")
def list_customers(
    search: str | None = None,
    province: str | None = None,
    category: Category | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CustomerRow]:
    """Customers by surname; `search` is a cédula, a name's beginning, an e-mail or a phone."""


@procedure("customer_query")
def get_customer(customer_id: Id) -> Customer:
    """One profile. Raises NotFound."""


@procedure("customer_query")
def create_customer(new: NewCustomer) -> Customer:
    """Raises Invalid by field; a cédula that exists is Invalid on `cedula`."""


@procedure("customer_query")
def update_customer(customer_id: Id, change: CustomerChange) -> Customer:
    """Raises NotFound, Invalid. A changed consent is written to the consent ledger."""


@procedure("customer_query")
def erase_customer(customer_id: Id, reason: str) -> None:
    """Anonymise for good: history stays countable, the person is gone from every room."""


@procedure("customer_query")
def list_timeline(
    customer_id: Id, after: str | None = None, limit: Limit = 50
) -> Page[TimelineEntry]:
    """Newest first. Raises NotFound."""


@procedure("customer_query")
def get_personal_data(customer_id: Id) -> PersonalData:
    """Everything held on a person. Raises NotFound."""


# --- import ---


ImportState = LoadState  # an import is a load

CUSTOMER_FILE = (
    Column("cedula", "cedula", "Cédula o RUC", required=True),
    Column("first_names", "nombres", "Nombres", required=True),
    Column("last_names", "apellidos", "Apellidos", required=True),
    Column("gender", "genero", "Género"),
    Column("birth_on", "fecha_nacimiento", "Fecha de nacimiento"),
    Column("income", "ingresos", "Ingresos mensuales"),
    Column("province", "provincia", "Provincia"),
    Column("canton", "canton", "Cantón"),
    Column("address", "direccion", "Dirección"),
    Column("email", "email", "Correo"),
    Column("phone", "telefono", "Teléfono"),
    Column("joined_on", "fecha_alta", "Cliente desde"),
    Column("category", "categoria", "Categoría"),
    Column("consent_mail", "acepta_correo", "Acepta correo"),
    Column("consent_phone", "acepta_llamadas", "Acepta llamadas"),
)


class NewImport(Model):
    """A file in the store to read customers from."""

    file_key: str
    file_name: Annotated[str, Field(max_length=200)]
    mapping: dict[str, str] | None = None  # our field → the file's column; None: guess
    dry_run: bool = False
    hold: bool = False  # read the first rows and wait for `resume_import`


class Undo(Model):
    """What was undone of an import: removed + restored + kept = its created + updated at the end.

    Kept are people whom somebody else has changed or used since, wholly or in part.
    """

    state: LoadState
    removed: int
    restored: int
    kept: int


class Import(LoadProgress):
    """An import's progress."""

    dry_run: bool
    undo: Undo | None = None


class ImportPreview(Model):
    """The first rows of a file as they will be read."""

    columns: list[str]
    mapping: dict[str, str]
    rows: list[PreviewRow]


@procedure("customer_query")
def start_import(new: NewImport) -> Import:
    """Begin reading a file in the background. Raises Invalid when there is no such file."""


@procedure("customer_query")
def rerun_import(
    import_id: Id,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
) -> Import:
    """Read the file of an earlier import again, as an import of its own: after a dry run, or with
    another mapping. Raises NotFound, Conflict while the earlier one runs."""


@procedure("customer_query")
def resume_import(
    import_id: Id,
    mapping: dict[str, str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
    hold: bool = False,  # noqa: FBT001, FBT002  # as above
) -> Import:
    """Go on with an import that was held, with these columns; held again, its first rows are read
    anew. Raises NotFound, Conflict when it is not held."""


@procedure("customer_query")
def cancel_import(import_id: Id) -> Import:
    """Stop reading; what was imported stays and counts. A second time changes nothing. Raises
    NotFound, Conflict when it has ended otherwise."""


@procedure("customer_query")
def undo_import(import_id: Id) -> Import:
    """Begin to take back what an import did: who was created and is untouched is removed, who was
    updated gets the earlier values back where they were not changed since. A second time changes
    nothing. Raises NotFound, Conflict while it runs, for a dry run, and after 30 days."""


@procedure("customer_query")
def get_import(import_id: Id) -> Import:
    """Raises NotFound."""


@procedure("customer_query")
def preview_import(import_id: Id) -> ImportPreview:
    """Of an import that is held; without rows otherwise. Raises NotFound."""


@procedure("customer_query")
def list_imports(after: str | None = None, limit: Limit = 20) -> Page[Import]:
    """Newest first."""


# --- segments ---


class Reachable(Model):
    """People who may be contacted now, by channel."""

    mail: int
    phone: int


class Excluded(Model):
    """People of the segment that a rule holds back; a person may count in several."""

    no_consent: int  # neither by mail nor by phone
    do_not_contact: int  # on both channels
    bounced: int
    over_cap: int
    in_other_campaign: int  # planned, executing or paused


class Slice(Model):
    """A bar of one of the small charts."""

    label: str
    count: int


class SegmentCount(Model):
    """Who a definition means right now, exactly."""

    matching: int
    reachable: Reachable
    excluded: Excluded
    sample: list[CustomerRow]  # up to 20
    by_age: list[Slice]
    by_gender: list[Slice]
    by_province: list[Slice]


class NewSegment(Model):
    """A segment to save."""

    name: Annotated[str, Field(min_length=3, max_length=120)]
    description: Annotated[str, Field(max_length=500)] = ""
    definition: Definition


class Segment(Model):
    """A saved, named, versioned definition."""

    id: int
    name: str
    description: str
    definition: Definition
    summary: str  # the definition in Spanish
    version: int
    created_by: str
    updated_at: datetime


@procedure("customer_query")
def count_segment(definition: Definition) -> SegmentCount:
    """Live count with the split. Raises Invalid with the path of what is wrong."""


@procedure("customer_query")
def describe_segment(definition: Definition) -> str:
    """The definition as a Spanish sentence. Raises Invalid."""


@procedure("customer_query")
def list_segments(
    search: str | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Segment]:
    """Saved segments by name."""


@procedure("customer_query")
def get_segment(segment_id: Id) -> Segment:
    """Raises NotFound."""


@procedure("customer_query")
def create_segment(new: NewSegment) -> Segment:
    """Raises Invalid; a name that is taken is Invalid on `name`."""


@procedure("customer_query")
def update_segment(segment_id: Id, new: NewSegment) -> Segment:
    """The next version. Raises NotFound, Invalid."""


@procedure("customer_query")
def delete_segment(segment_id: Id) -> None:
    """Campaigns keep the definition they were made from. Raises NotFound."""


# --- events ---


class ContactState(Model):
    """Whether and where a person may be contacted, after a change.

    Blocks are wishes and addresses; the contact cap is no state, it is judged at each touch.
    """

    customer_id: int
    version: int  # grows with each change of the person; an older one never replaces a newer
    email: str | None
    phone: str | None
    mail_block: Block | None  # None: may be mailed
    phone_block: Block | None


class ContactStatesChanged(Event, service="customer_query"):
    """Consent, do-not-contact, address or bounce changed; batches of at most 500."""

    customers: list[ContactState]


class CustomersErased(Event, service="customer_query"):
    """These people asked to be forgotten: every room blanks its copies, keeps its counts."""

    customer_ids: list[int]


class SegmentExportFailed(Event, service="customer_query"):
    """A segment that campaign asked for will not come; it may ask again."""

    transfer_id: UUID
    reason: str  # Spanish, for the person who waits


# --- export ---

# What an audience row is, in the order of the exporter's select and the loader's COPY.
AUDIENCE_COLUMNS = (
    "audience_id",  # uuid: the transfer
    "customer_id",
    "cedula",
    "first_names",
    "last_names",
    "gender",
    "birth_on",
    "income",
    "province",
    "canton",
    "category",
    "joined_on",
    "email",
    "phone",
    "mail_block",  # a Block, or null
    "phone_block",
    "contact_version",  # of the two blocks, the address and the number: see ContactState
)
LOAD_AUDIENCE_CHUNK = "campaign.load_audience_chunk"  # job of the receiver: (chunk,)
