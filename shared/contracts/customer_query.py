"""customer_query: the source of truth of people; imports, segments and their export."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared import lists
from shared.change import Change
from shared.contract import Counted, Day, Event, Id, Limit, Line, Model, Page, procedure
from shared.contracts.loads import Column, LoadProgress, LoadState, PreviewRow
from shared.contracts.people import Block as Block
from shared.contracts.people import Category as Category
from shared.contracts.people import Channel as Channel
from shared.contracts.people import Exclusion as Exclusion
from shared.contracts.people import Gender as Gender
from shared.contracts.segments import Definition as Definition
from shared.permissions import Permission, Role
from shared.personal import (
    ADDRESS,
    CEDULA,
    IDENTIFYING,
    INCOME,
    MAIL,
    PHONE,
    RATING,
    SEEN_BY,
    Shown,
)
from shared.scope import HOUSE, work
from shared.words import Term

Name = Annotated[str, Field(min_length=1, max_length=120)]
# Dollars a month
Income = Annotated[Decimal, Counted, Field(ge=0, max_digits=12, decimal_places=2)]
ProvinceCode = Annotated[str, Field(pattern=r"^\d{2}$")]  # INEC
CantonCode = Annotated[str, Field(pattern=r"^\d{4}$")]  # INEC


class CustomerPermission(Permission):
    """On people and their data."""

    READ = (
        "customer.read",
        "Ver clientes",
        Role.MARKETING_HEAD,
        Role.ADVISOR,
        Role.SUPERVISOR,
        Role.BACKOFFICE,
        Role.ADMIN,
    )
    READ_ALL = (
        "customer.read_all",
        "Ver a los clientes de todos",
        Role.MARKETING_HEAD,
        Role.BACKOFFICE,
        Role.ADMIN,
    )
    READ_TEAM = "customer.read_team", "Ver a los clientes del equipo", Role.SUPERVISOR
    FIND = "customer.find", "Abrir la ficha de quien llama", Role.ADVISOR, Role.SUPERVISOR
    WRITE = "customer.write", "Crear y corregir clientes", Role.MARKETING_HEAD, Role.BACKOFFICE
    IMPORT = "customer.import", "Importar clientes", Role.MARKETING_HEAD, Role.ADMIN
    ERASE = "customer.erase", "Eliminar los datos de un cliente", Role.ADMIN
    PERSONAL = SEEN_BY, "Ver los datos personales completos", Role.BACKOFFICE
    REVEAL = (
        "customer.reveal",
        "Mostrar los datos personales de un cliente",
        Role.MARKETING_HEAD,
        Role.ADVISOR,
        Role.SUPERVISOR,
        Role.ADMIN,
    )
    EXPORT = (
        "export.personal",
        "Descargar archivos con datos personales",
        Role.MARKETING_HEAD,
        Role.ADMIN,
    )


PEOPLE = work(all=CustomerPermission.READ_ALL, team=CustomerPermission.READ_TEAM)
EVERYBODY = work(all=CustomerPermission.READ_ALL)  # lists that are whole or not at all


class SegmentPermission(Permission):
    """On saved segments."""

    READ = "segment.read", "Ver segmentos", Role.MARKETING_HEAD
    WRITE = "segment.write", "Armar segmentos", Role.MARKETING_HEAD


class Customer(Model):
    """A person's profile."""

    id: int
    cedula: Annotated[str, CEDULA]
    first_names: Annotated[str, IDENTIFYING]
    last_names: Annotated[str, IDENTIFYING]
    gender: Annotated[Gender | None, IDENTIFYING]
    birth_on: Annotated[date | None, IDENTIFYING]
    income: Annotated[Decimal | None, INCOME]
    province: str | None
    canton: str | None
    address: Annotated[str | None, ADDRESS]
    email: Annotated[str | None, MAIL]
    phone: Annotated[str | None, PHONE]  # E.164
    other_phones: Annotated[list[str], PHONE]
    joined_on: date
    category: Category
    category_reason: Annotated[str | None, IDENTIFYING]  # given when it was set by hand
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
    version: int  # grows with each change of the profile
    masked: list[str] = []  # fields that are shown in part or not at all

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()


class CustomerRow(Model):
    """A customer in a list."""

    id: int
    cedula: Annotated[str, CEDULA]
    full_name: Annotated[str, IDENTIFYING]
    province: str | None
    canton: str | None
    category: Category
    email: Annotated[str | None, MAIL]
    phone: Annotated[str | None, PHONE]
    masked: list[str] = []  # fields that are shown in part


class NewCustomer(Model):
    """A customer to create. Texts are checked and normalised: cédula, phones, place names."""

    cedula: Annotated[str, Field(min_length=9, max_length=20)]
    first_names: Name
    last_names: Name
    gender: Gender | None = None
    birth_on: Day | None = None
    income: Income | None = None
    province: ProvinceCode | None = None
    canton: CantonCode | None = None
    address: Annotated[str, Field(max_length=300)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=30)] | None = None
    other_phones: Annotated[list[str], Field(max_length=5)] = []
    joined_on: Day | None = None  # None: today
    preferred_channel: Channel | None = None
    preferred_hours: Annotated[str, Field(max_length=100)] | None = None
    consent_mail: bool = False
    consent_phone: bool = False


class CustomerChange(Change, of=NewCustomer):
    """What to change of a customer; a null empties a field that may be empty."""

    joined_on: Day
    do_not_mail: bool
    do_not_call: bool
    category: Category | None  # null: by tenure again
    category_reason: Annotated[str, Field(max_length=200)] | None


class Occasion(Term):
    """Why somebody opens the profile of a person whom nobody gave them."""

    CALLING = "calling", "El cliente llama"
    PRESENT = "present", "El cliente está presente"
    WROTE = "wrote", "El cliente escribió"


class TimelineKind(Term):
    """What happened with a customer."""

    MAIL = "mail", "Correo"
    CALL = "call", "Llamada"
    RISK_CHECK = "risk_check", "Consulta a la central de riesgos"
    CONSENT = "consent", "Consentimiento"
    IMPORT = "import", "Importación"
    PROFILE = "profile", "Ficha"


class TimelineEntry(Model):
    """Something that happened with a customer, for the one time line."""

    at: datetime
    kind: TimelineKind
    title: str  # Spanish
    detail: Annotated[str, RATING]
    by: str | None
    masked: list[str] = []  # fields that are shown in part


class ConsentEntry(Model):
    """A line of the consent ledger: what was given or taken back, how, and who wrote it down."""

    channel: Channel
    given: bool
    how: str
    by: str | None  # None: a file or the person's own link
    at: datetime


class PersonalData(Model):
    """Everything held on a person (LOPDP, right of access)."""

    customer: Customer
    consents: list[ConsentEntry]
    timeline: list[TimelineEntry]
    campaigns: list[int]


@procedure("customer_query", scope=PEOPLE)
def list_customers(
    search: str | None = None,
    province: str | None = None,
    category: Category | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CustomerRow]:
    """List customers by surname.

    `search` is the beginning of the surnames and names, or a whole cédula, e-mail address or
    telephone number; who may see cédulas whole (`customer.personal`) searches by their beginning,
    too. `province` is an INEC code. Erased people are not listed.
    """


@procedure("customer_query", scope=PEOPLE)
def get_customer(customer_id: Id) -> Customer:
    """Get a customer's profile.

    An erased person is still there, without anything that says who it was. Without the permission
    `customer.personal` a value named in `masked` is shown in part or not at all.

    NotFound: there is no such customer.
    """


class PersonalField(Term):
    """What of a profile is shown in part to whoever only has to recognise the person."""

    CEDULA = "cedula", "Cédula o RUC"
    INCOME = "income", "Ingresos mensuales"
    ADDRESS = "address", "Dirección"
    EMAIL = "email", "Correo"
    PHONE = "phone", "Teléfono"
    OTHER_PHONES = "other_phones", "Otros teléfonos"


_ASKED_FOR = Shown("somebody asked for this very value, which is on record")


class Revealed(Model):
    """The values that were asked for; the others are null, as is what is not known."""

    cedula: Annotated[str | None, _ASKED_FOR] = None
    income: Annotated[Decimal | None, _ASKED_FOR] = None
    address: Annotated[str | None, _ASKED_FOR] = None
    email: Annotated[str | None, _ASKED_FOR] = None
    phone: Annotated[str | None, _ASKED_FOR] = None
    other_phones: Annotated[list[str] | None, _ASKED_FOR] = None


Fields = Annotated[list[PersonalField], Field(min_length=1, max_length=len(PersonalField))]


@procedure("customer_query", scope=PEOPLE, example={"fields": ["phone"]})
def reveal_customer(customer_id: Id, fields: Fields) -> Revealed:
    """Show some of a customer's personal values whole.

    Who saw which of them is on record. Nobody sees those of more than 100 people in 24 hours; a
    person whom one has seen in that time does not count again.

    NotFound: there is no such customer.
    Denied: the user may not, or has seen those of as many people as anybody may; then the status
    is 429, and `Retry-After` has the seconds to wait.
    """


@procedure("customer_query", scope=HOUSE, example={"number": "1710034065", "occasion": "calling"})
def find_customer(number: Annotated[str, Field(max_length=40)], occasion: Occasion) -> Customer:
    """Open the profile of somebody who is no customer of the asker's, for a conversation.

    By the whole cédula or RUC, or the whole telephone number. It stays open for an hour, and the
    occasion stands on the person's time line.

    NotFound: nobody has that number.
    Conflict: several have it, or the asker has as many profiles open as anybody may.
    Invalid: it is no cédula and no telephone number.
    """


@procedure(
    "customer_query",
    scope=HOUSE,
    example={
        "cedula": "1710034065",
        "first_names": "Ana Lucía",
        "last_names": "Zambrano Vera",
        "email": "ana@correo.example",
        "phone": "0991234567",
        "province": "17",
        "consent_mail": True,
    },
)
def create_customer(new: NewCustomer) -> Customer:
    """Create a customer.

    Cédula, telephones, e-mail and names are checked and stored in one form. Consents that are given
    go into the consent ledger.

    Invalid: a field is wrong, or another customer has the cédula.
    """


@procedure(
    "customer_query",
    scope=PEOPLE,
    example={"phone": "0987654321", "consent_phone": True, "version": 2},
)
def update_customer(customer_id: Id, change: CustomerChange) -> Customer:
    """Change what is sent of a customer.

    A null empties a field that may be empty. A changed consent goes into the consent ledger, and a
    changed address or block holds everywhere at once. A category set by hand needs its reason; null
    lets it follow the tenure again. With `version`, as the customer was read, nobody's later change
    is overwritten.

    NotFound: there is no such customer.
    Conflict: the person's data was erased, or somebody changed it after that `version`.
    Invalid: a field is wrong, or another customer has the cédula.
    """


@procedure("customer_query", scope=PEOPLE)
def erase_customer(customer_id: Id, reason: str) -> None:
    """Erase a person's data for good.

    The person is gone from every part of the product; what happened with them stays countable. The
    reason is kept. Who has an e-mail address is told by a last mail that it was done. Erasing again
    does no harm.

    NotFound: there is no such customer.
    Invalid: the reason is empty.
    """


@procedure("customer_query", scope=PEOPLE)
def list_timeline(
    customer_id: Id, after: str | None = None, limit: Limit = 50
) -> Page[TimelineEntry]:
    """List what happened with a customer, newest first.

    Mails, calls, risk checks, consents and changes, in the order in which they came to be known.

    NotFound: there is no such customer.
    """


@procedure("customer_query", scope=PEOPLE, whole=CustomerPermission.REVEAL)
def get_personal_data(customer_id: Id) -> PersonalData:
    """Get everything held on a person.

    For the right of access: profile, consent ledger, campaigns, and the newest 1,000 lines of the
    history. It counts as `reveal_customer` does; who may not reveal has it with masked values.

    NotFound: there is no such customer.
    Denied: the user has seen the data of as many people as anybody may in 24 hours; then the status
    is 429, and `Retry-After` has the seconds to wait.
    """


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
    file_name: Annotated[Line, Field(max_length=200)]
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


@procedure("customer_query", scope=HOUSE)
def start_import(new: NewImport) -> Import:
    """Begin to read a file of customers in the background.

    The answer comes at once; ask for the import to see how far it is. The state `failed` says in
    `error` why the file could not be read.

    Invalid: there is no such file.
    """


@procedure(
    "customer_query",
    scope=HOUSE,
    example={
        "mapping": {"cedula": "CI", "first_names": "NOMBRES", "last_names": "APELLIDOS"},
        "dry_run": True,
    },
)
def rerun_import(
    import_id: Id,
    mapping: dict[str, str] | None = None,
    dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
) -> Import:
    """Read the file of an earlier import again, as a new import.

    For real after a dry run (`dry_run` false), or with other columns; also of one that failed.
    `mapping` is our field → the file's column. Null is as before, also whether it was a dry run.

    NotFound: there is no such import.
    Conflict: the earlier one is still running.
    """


@procedure(
    "customer_query",
    scope=HOUSE,
    example={
        "mapping": {"cedula": "CI", "first_names": "NOMBRES", "last_names": "APELLIDOS"},
        "dry_run": False,
        "hold": False,
    },
)
def resume_import(
    import_id: Id,
    mapping: dict[str, str] | None = None,
    dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
    hold: bool = False,  # noqa: FBT001, FBT002  # as above
) -> Import:
    """Go on with an import that is held.

    With these columns. Null is as before, also whether it is a dry run. Held again, its first rows
    are read anew.

    NotFound: there is no such import.
    Conflict: the import is not held.
    """


@procedure("customer_query", scope=HOUSE)
def cancel_import(import_id: Id) -> Import:
    """Stop an import.

    What was imported stays and counts. Cancelling again does no harm.

    NotFound: there is no such import.
    Conflict: the import has ended otherwise.
    """


@procedure("customer_query", scope=HOUSE)
def undo_import(import_id: Id) -> Import:
    """Take back in the background what an import did; `undo` counts it.

    Who was created and is untouched since is removed. Who was updated gets the earlier values back
    where they were not changed since. Undoing again does nothing more.

    NotFound: there is no such import.
    Conflict: it is still running, changed nothing, or is older than 30 days.
    """


@procedure("customer_query", scope=HOUSE)
def get_import(import_id: Id) -> Import:
    """Get an import's progress and counts.

    At the end read = created + updated + unchanged + rejected.

    NotFound: there is no such import.
    """


@procedure("customer_query", scope=HOUSE)
def preview_import(import_id: Id) -> ImportPreview:
    """Show the first rows of an import that is held.

    As they will be read, with the reason of those that would be rejected; no rows of any other.

    NotFound: there is no such import.
    """


@procedure("customer_query", scope=HOUSE)
def list_imports(after: str | None = None, limit: Limit = 20) -> Page[Import]:
    """List imports, newest first.

    With their progress as it is now.
    """


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

    name: Annotated[Line, Field(min_length=3, max_length=120)]
    description: Annotated[str, Field(max_length=500)] = ""
    definition: Definition


class SegmentChange(Change, of=NewSegment):
    """What to change of a segment."""


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


@procedure(
    "customer_query",
    scope=HOUSE,
    example={
        "definition": {
            "all": [{"field": "gender", "in": ["F"]}, {"field": "age", "between": [25, 45]}]
        }
    },
)
def count_segment(definition: Definition) -> SegmentCount:
    """Count the people that a definition means right now, exactly.

    Who can be reached by mail and by phone, why the others cannot, up to 20 people as a sample, and
    the split by age, gender and province. A person who is held back for several reasons counts in
    each.

    Invalid: a criterion is wrong; `errors` has the path of each.
    """


@procedure("customer_query", scope=HOUSE)
def describe_segment(definition: Definition) -> str:
    """Say a definition in Spanish.

    Invalid: a criterion is wrong; `errors` has the path of each.
    """


@procedure("customer_query", scope=HOUSE)
def list_segments(
    search: str | None = None,
    order: Annotated[str, lists.order_of("name", "created_by", "updated_at", "version")] = "name",
    after: str | None = None,
    limit: Limit = 50,
    *,
    count: bool = False,
) -> Page[Segment]:
    """List saved segments by name, or sorted by one of the fields named; `-` for the last first.

    `search` is parts of words of name, description or the definition in Spanish, in any order and
    whatever their accents. With `count` the answer tells how many match.
    """


SEGMENTS = lists.Listing(
    list_segments,
    lists.Noun("segmento", "segmentos"),
    columns=(
        lists.Column("name", "Segmento"),
        lists.Column("summary", "Quiénes", wide="md"),
        lists.Column("description", "Descripción", first=False),
        lists.Column("version", "Versión", wide="lg"),
        lists.Column("created_by", "Creado por", wide="lg"),
        lists.Column("updated_at", "Actualizado", wide="md"),
    ),
    sought="Nombre o criterio del segmento",
)


@procedure("customer_query", scope=HOUSE)
def get_segment(segment_id: Id) -> Segment:
    """Get a saved segment.

    With its definition, and the same said in Spanish.

    NotFound: there is no such segment.
    """


@procedure(
    "customer_query",
    scope=HOUSE,
    example={
        "name": "Mujeres de 25 a 45",
        "definition": {
            "all": [{"field": "gender", "in": ["F"]}, {"field": "age", "between": [25, 45]}]
        },
    },
)
def create_segment(new: NewSegment) -> Segment:
    """Save a segment under a name.

    It is a definition, not a list: whoever fits later belongs to it.

    Invalid: the name is taken, or a criterion is wrong; `errors` has the path of each.
    """


@procedure("customer_query", scope=HOUSE, example={"name": "Mujeres de 25 a 50", "version": 1})
def update_segment(segment_id: Id, change: SegmentChange) -> Segment:
    """Change what is sent of a segment, as its next version.

    Campaigns made from it keep the definition they were made with. With `version`, as the segment
    was read, nobody's later change is overwritten.

    NotFound: there is no such segment.
    Conflict: somebody changed the segment after that `version`.
    Invalid: the name is taken, or a criterion is wrong; `errors` has the path of each.
    """


@procedure("customer_query", scope=HOUSE)
def delete_segments(segment_ids: lists.Ids) -> lists.Done:
    """Forget saved segments, each by itself; one that is not there is refused."""


@procedure("customer_query", scope=HOUSE)
def delete_segment(segment_id: Id) -> None:
    """Forget a segment and its versions.

    Campaigns made from it keep the definition they were made with.

    NotFound: there is no such segment.
    """


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
    mail_bounced: bool = False  # whatever else blocks it; as to mail that needs no consent


class ContactStatesChanged(Event, service="customer_query"):
    """Consent, do-not-contact, address or bounce changed; batches of at most 500."""

    customers: list[ContactState]


class CustomersErased(Event, service="customer_query"):
    """These people asked to be forgotten: every room blanks its copies, keeps its counts."""

    customer_ids: list[int]


class ImportMoved(Event, service="customer_query"):
    """An import has got on or ended, or is being undone: for pages that show it."""

    import_id: int


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
