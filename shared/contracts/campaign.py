"""campaign: campaigns, their phases, their audience and their statistics."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.change import Change
from shared.contract import Counted, Day, Event, Id, Limit, Line, Model, Page, procedure
from shared.contracts.customer_query import (
    EVERYBODY,
    Block,
    Channel,
    CustomerPermission,
    Definition,
)
from shared.contracts.exports import ExportWhy
from shared.contracts.mailer import SkipReason
from shared.contracts.telemarketing import CallResult
from shared.lists import Column, Filter, Listing, Noun, order_of
from shared.permissions import Permission, Role
from shared.personal import CEDULA, IDENTIFYING, MAIL, PHONE
from shared.scope import HOUSE
from shared.words import Term

Money = Annotated[Decimal, Counted, Field(ge=0, max_digits=12, decimal_places=2)]  # US dollars
Reason = Annotated[str, Field(max_length=500)]


class CampaignPermission(Permission):
    """On campaigns."""

    READ = "campaign.read", "Ver campañas", Role.MARKETING_HEAD, Role.SUPERVISOR, Role.ADMIN
    WRITE = "campaign.write", "Crear y llevar campañas", Role.MARKETING_HEAD
    READ_STATISTICS = "statistics.read", "Ver estadísticas", Role.MARKETING_HEAD, Role.SUPERVISOR


class Phase(Term):
    """Where a campaign stands."""

    DRAFT = "draft", "Borrador"
    PLANNED = "planned", "Planificada", "Planificadas"
    EXECUTING = "executing", "En ejecución"
    PAUSED = "paused", "Pausada", "Pausadas"
    CLOSING = "closing", "En cierre"
    FINISHED = "finished", "Finalizada", "Finalizadas"
    CANCELLED = "cancelled", "Cancelada", "Canceladas"


class AudienceState(Term):
    """Life of an audience's transfer."""

    NONE = "none", "Sin transferir"
    TRANSFERRING = "transferring", "Transfiriendo"
    READY = "ready", "Completo"
    FAILED = "failed", "Fallido"  # it may be asked for again


class NewCampaign(Model):
    """A campaign to create, as a draft."""

    name: Annotated[Line, Field(min_length=3, max_length=120)]
    goal: Annotated[str, Field(max_length=500)] = ""
    channels: Annotated[list[Channel], Field(min_length=1, max_length=2)]
    definition: Definition | None = None  # one of the two
    segment_id: Id | None = None
    budget: Money = Decimal(0)
    expected_revenue: Money = Decimal(0)
    starts_on: Day | None = None
    ends_on: Day | None = None
    control_share: Annotated[float, Counted, Field(ge=0, le=0.5)] = 0  # held back at random
    design_id: Id | None = None
    mail_subject: Annotated[Line, Field(max_length=150)] = ""
    script: Annotated[str, Field(max_length=10_000)] = ""  # what the advisor says


class CampaignChange(Change, of=NewCampaign, but={"segment_id"}):
    """What to change of a campaign. The people (`definition`, `control_share`) only in a draft."""

    definition: Definition


class Audience(Model):
    """The customers of a campaign in its own database; figures add up to `transferred`."""

    state: AudienceState
    expected: int | None  # known when the export has finished
    transferred: int
    control: int  # held back, in nobody's mail or call list
    reachable_mail: int
    reachable_phone: int
    blocked_mail: dict[Block, int]
    blocked_phone: dict[Block, int]
    updated_at: datetime | None
    error: str | None = None  # why it failed


class Campaign(Model):
    """A campaign, whole."""

    id: int
    name: str
    goal: str
    channels: list[Channel]
    definition: Definition
    segment_summary: str  # the definition in Spanish
    budget: Decimal
    expected_revenue: Decimal
    starts_on: date | None
    ends_on: date | None
    control_share: float
    design_id: int | None
    mail_subject: str
    script: str
    phase: Phase
    next_phases: list[Phase]  # that rules allow from here
    owner: str
    created_at: datetime
    version: int  # grows with each change
    audience: Audience


class CampaignRow(Model):
    """A campaign in a list."""

    id: int
    name: str
    phase: Phase
    channels: list[Channel]
    budget: Decimal
    starts_on: date | None
    ends_on: date | None
    owner: str
    transferred: int


class PhaseChange(Model):
    """Who moved a campaign, when and why."""

    at: datetime
    by: str
    old: Phase | None
    new: Phase
    reason: str


class Member(Model):
    """A customer of an audience."""

    customer_id: int
    cedula: Annotated[str, CEDULA]
    full_name: Annotated[str, IDENTIFYING]
    province: str | None
    canton: str | None
    email: Annotated[str | None, MAIL]
    phone: Annotated[str | None, PHONE]
    mail_block: Block | None
    phone_block: Block | None
    control: bool
    masked: list[str] = []  # fields that are shown in part


@procedure(
    "campaign",
    scope=HOUSE,
    example={
        "name": "Fibra en Quito",
        "channels": ["mail", "phone"],
        "definition": {
            "all": [{"field": "gender", "in": ["F"]}, {"field": "age", "between": [25, 45]}]
        },
        "budget": "1500.00",
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-31",
    },
)
def create_campaign(new: NewCampaign) -> Campaign:
    """Create a campaign as a draft.

    People come either from a `definition` or from a saved segment (`segment_id`), whose present
    definition is copied. Their transfer into the campaign begins at once: see its audience.
    Amounts are US dollars; `control_share` is the part of the people, drawn at random, that is
    neither mailed nor called.

    NotFound: there is no such segment, or no such design.
    Invalid: a field is wrong; both or neither of `definition` and `segment_id`; or the campaign
    ends before it starts.
    """


@procedure(
    "campaign", scope=HOUSE, example={"budget": "1800.00", "ends_on": "2027-01-15", "version": 3}
)
def update_campaign(campaign_id: Id, change: CampaignChange) -> Campaign:
    """Change what is sent of a campaign.

    Which fields may still be changed depends on the phase; one that is sent as it already is does
    no harm. A changed definition transfers the audience anew. With `version`, as the campaign was
    read, nobody's later change is overwritten.

    NotFound: there is no such campaign, or no such design.
    Conflict: the phase does not let a field be changed any more, or somebody changed the campaign
    after that `version`.
    Invalid: a field is wrong, or the campaign would end before it starts.
    """


@procedure("campaign", scope=HOUSE)
def list_campaigns(
    phase: Phase | None = None,
    search: str | None = None,
    channel: Channel | None = None,
    order: Annotated[
        str, order_of("id", "name", "budget", "starts_on", "ends_on", "transferred")
    ] = "-id",
    after: str | None = None,
    limit: Limit = 50,
    *,
    count: bool = False,
) -> Page[CampaignRow]:
    """List campaigns, newest first, or sorted by one of the fields named; `-` for the last first.

    `search` is parts of words of the name, in any order and whatever their accents. With `count`
    the answer tells how many match, up to 10,000. Who has no day yet stands as the last.
    """


CAMPAIGNS = Listing(
    list_campaigns,
    Noun("campaña", "campañas", feminine=True),
    columns=(
        Column("name", "Campaña"),
        Column("phase", "Fase"),
        Column("transferred", "Público"),
        Column("budget", "Presupuesto", wide="sm"),
        Column("starts_on", "Empieza", wide="md"),
        Column("ends_on", "Termina", wide="md"),
        Column("channels", "Canales", first=False),
        Column("owner", "Responsable", wide="lg"),
        Column("id", "Número", first=False),
    ),
    filters=(Filter("phase", "Fase"), Filter("channel", "Canal")),
    sought="Nombre de la campaña",
)


@procedure("campaign", scope=HOUSE)
def get_campaign(campaign_id: Id) -> Campaign:
    """Get a campaign, whole.

    With the phases it may go to from here and the state of its audience.

    NotFound: there is no such campaign.
    """


@procedure("campaign", scope=HOUSE, example={"phase": "paused", "reason": "Falta presupuesto"})
def change_phase(campaign_id: Id, phase: Phase, reason: Reason = "") -> Campaign:
    """Move a campaign to another phase.

    `next_phases` of the campaign says where it may go. Pausing and cancelling need a `reason`.
    Mailings and calls follow: a paused campaign holds them, one that closes or ends stops them.

    NotFound: there is no such campaign.
    Conflict: no way leads to that phase from the present one.
    Invalid: something is missing for that phase; `errors` names all of it.
    """


@procedure("campaign", scope=HOUSE)
def list_phase_changes(campaign_id: Id) -> list[PhaseChange]:
    """List a campaign's moves from phase to phase, oldest first.

    Who moved it, when and why; the first one is its creation.

    NotFound: there is no such campaign.
    """


@procedure("campaign", scope=HOUSE)
def request_audience(campaign_id: Id) -> Audience:
    """Transfer the people of a campaign's definition anew.

    The answer comes at once, with the state of the transfer; while one is under way it is that
    one's. The former people stay until the new ones are complete.

    NotFound: there is no such campaign.
    Conflict: the campaign has ended.
    """


@procedure("campaign", scope=HOUSE)
def get_audience(campaign_id: Id) -> Audience:
    """Get the state and the figures of a campaign's audience.

    While people are transferred the figures grow; of a transfer that failed `error` says why,
    beside the figures of the audience that still serves.

    NotFound: there is no such campaign.
    """


@procedure("campaign", scope=EVERYBODY)
def list_members(
    campaign_id: Id, search: str | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Member]:
    """List the people of a campaign's audience, in the order of their ids.

    Empty until the first transfer is complete. `search` is a whole cédula or the beginning
    of a surname.

    NotFound: there is no such campaign.
    Denied: the actor may not see all customers.
    """


# --- statistics ---


class Count(Model):
    """A bar, slice or cell: `key` is stable, `label` Spanish."""

    key: str
    label: str
    count: int


class DayCount(Model):
    """Calls of a day by result."""

    on: date
    result: CallResult
    count: int


class ProvinceFigures(Model):
    """A province on the map; rates are shares of those contacted."""

    province: str  # INEC code
    name: str
    audience: int
    contacted: int
    accepted: int
    success_rate: float | None


class MailFunnel(Model):
    """Mails of a campaign's runs: target = the sum of pending and the states."""

    target: int
    pending: int
    sent: int
    failed: int
    skipped: dict[SkipReason, int]
    doubtful: int
    cancelled: int
    unsubscribed: int


class CampaignStatistics(Model):
    """All figures of one campaign."""

    campaign_id: int
    calls: int
    by_result: list[Count]
    by_day: list[DayCount]
    by_advisor: list[Count]
    by_province: list[ProvinceFigures]
    mail: MailFunnel
    contacted: int  # people, by any channel
    accepted: int  # people
    cost_per_contact: Decimal | None
    cost_per_sale: Decimal | None


class RepeatedCustomer(Model):
    """A customer in the audiences of more than one campaign."""

    customer_id: int
    cedula: Annotated[str, CEDULA]
    full_name: Annotated[str, IDENTIFYING]
    campaigns: list[int]
    masked: list[str] = []  # fields that are shown in part


class Overlap(Model):
    """People that two campaigns share."""

    first: int
    second: int
    customers: int


class RepeatedCustomers(Model):
    """Customers in more than one campaign, and the campaign × campaign matrix."""

    total: int
    campaigns: dict[int, str]
    matrix: list[Overlap]
    customers: list[RepeatedCustomer]
    next: str | None
    previous: str | None = None


class CampaignFigures(Model):
    """A campaign beside the others."""

    campaign_id: int
    name: str
    phase: Phase
    budget: Decimal
    expected_revenue: Decimal
    audience: int
    contacted: int
    accepted: int


class GroupFigures(Model):
    """An age or gender group over all campaigns, or of one."""

    key: str
    label: str
    audience: int
    contacted: int
    accepted: int


@procedure("campaign", scope=HOUSE)
def get_statistics(campaign_id: Id) -> CampaignStatistics:
    """Get all figures of a campaign.

    Calls and mails as they were reported up to now, people counted once whatever the channel; costs
    in US dollars of the budget, null while nobody was reached.

    NotFound: there is no such campaign.
    """


@procedure("campaign", scope=EVERYBODY)
def get_repeated_customers(after: str | None = None, limit: Limit = 50) -> RepeatedCustomers:
    """List people who are in more than one campaign, and how many any two campaigns share.

    Over the present audiences of the 100 newest campaigns, cancelled ones left out; `after` and
    `limit` page through the people, in the order of their ids. Who may not see all customers is
    given the figures without the people.
    """


@procedure("campaign", scope=EVERYBODY, whole=CustomerPermission.EXPORT)
def export_repeated_customers(
    why: ExportWhy | None = None, after: str | None = None, limit: Limit = 50
) -> RepeatedCustomers:
    """List people who are in more than one campaign, for a file.

    As `get_repeated_customers`; cédulas are whole only for a reason.

    Denied: the user may not take personal data away.
    Invalid: the reason is not said.
    """


@procedure("campaign", scope=HOUSE)
def list_by_budget() -> list[CampaignFigures]:
    """Compare the 100 newest campaigns, largest budget first.

    Budget and expected revenue in US dollars; people contacted and those who accepted, counted
    once.
    """


@procedure("campaign", scope=HOUSE)
def list_by_age(campaign_id: Id | None = None) -> list[GroupFigures]:
    """Count people, contacts and acceptances by age group.

    Of one campaign, or of the present audiences of all but cancelled ones. Whole years today;
    groups without people are left out.
    """


@procedure("campaign", scope=HOUSE)
def list_by_gender(campaign_id: Id | None = None) -> list[GroupFigures]:
    """Count people, contacts and acceptances by gender.

    Of one campaign, or of the present audiences of all but cancelled ones. F, M, X and unknown;
    groups without people are left out.
    """


@procedure("campaign", scope=HOUSE)
def list_by_province(campaign_id: Id | None = None) -> list[ProvinceFigures]:
    """Count people, contacts and acceptances by province.

    Of one campaign, or of the present audiences of all but cancelled ones. All 24, by INEC
    code; a rate is a share of those contacted, null without any.
    """


# --- events ---


class CampaignBrief(Model):
    """What other rooms keep of a campaign."""

    campaign_id: int
    name: str
    phase: Phase
    channels: list[Channel]
    design_id: int | None
    mail_subject: str
    script: str


class CampaignChanged(Event, service="campaign"):
    """Created, edited or moved to another phase: the brief as it is now."""

    campaign: CampaignBrief
    version: int  # grows; an older one that comes late is ignored


class AudienceRequested(Event, service="campaign"):
    """customer_query shall export a segment into `campaign.load_audience_chunk`."""

    transfer_id: UUID
    campaign_id: int
    definition: Definition


class AudienceMoved(Event, service="campaign"):
    """The audience on its way has more people, or has ended: pages look again."""

    campaign_id: int


class AudienceCompleted(Event, service="campaign"):
    """A campaign's audience is all there, and from now on the present one."""

    campaign_id: int
    audience_id: UUID
    version: int  # of the campaign, grows: an older one that comes late is ignored
    rows: int


class ExportFailed(Event, service="campaign"):
    """An audience that another room asked for will not come; it may ask again."""

    transfer_id: UUID
    campaign_id: int
    reason: str  # Spanish, for the person who waits


# --- export to mailer and telemarketing ---
# Both ask with an event of theirs that carries a transfer id; the rows come as chunk jobs.
# Control customers are left out. `held` = the Block of the channel, or null.

RECIPIENT_COLUMNS = (
    "mailing_id",  # uuid: the transfer
    "customer_id",
    "cedula",
    "first_names",
    "last_names",
    "gender",
    "birth_on",
    "province",
    "canton",
    "category",
    "joined_on",
    "email",
    "held",
    "contact_version",  # of address and block: see customer_query.ContactState
)
LOAD_RECIPIENTS_CHUNK = "mailer.load_recipients_chunk"

CALL_LIST_COLUMNS = (
    "transfer_id",
    "campaign_id",
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
    "held",
    "contact_version",  # of number and block: see customer_query.ContactState
)
LOAD_CALL_LIST_CHUNK = "telemarketing.load_call_list_chunk"
