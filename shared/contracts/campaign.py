"""campaign: campaigns, their phases, their audience and their statistics."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contract import Event, Id, Limit, Model, Page, procedure
from shared.contracts.customer_query import Channel, Definition

Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]  # US dollars


class Phase(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    PLANNED = "planned"
    EXECUTING = "executing"
    PAUSED = "paused"
    CLOSING = "closing"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class AudienceState(StrEnum):
    """Life of an audience's transfer."""

    NONE = "none"
    TRANSFERRING = "transferring"
    READY = "ready"
    FAILED = "failed"  # it may be asked for again


class NewCampaign(Model):
    """A campaign to create, as a draft."""

    name: Annotated[str, Field(min_length=3, max_length=120)]
    goal: Annotated[str, Field(max_length=500)] = ""
    channels: Annotated[list[Channel], Field(min_length=1, max_length=2)]
    definition: Definition | None = None  # one of the two
    segment_id: int | None = None
    budget: Money = Decimal(0)
    expected_revenue: Money = Decimal(0)
    starts_on: date | None = None
    ends_on: date | None = None
    control_share: Annotated[float, Field(ge=0, le=0.5)] = 0  # held back at random
    design_id: int | None = None
    mail_subject: Annotated[str, Field(max_length=150)] = ""
    script: Annotated[str, Field(max_length=10_000)] = ""  # what the advisor says


class CampaignChange(Model):
    """What to change: only fields that are sent count. The definition only while a draft."""

    name: Annotated[str, Field(min_length=3, max_length=120)] = ""
    goal: Annotated[str, Field(max_length=500)] = ""
    channels: Annotated[list[Channel], Field(min_length=1, max_length=2)] = []
    definition: Definition | None = None
    budget: Money = Decimal(0)
    expected_revenue: Money = Decimal(0)
    starts_on: date | None = None
    ends_on: date | None = None
    control_share: Annotated[float, Field(ge=0, le=0.5)] = 0
    design_id: int | None = None
    mail_subject: Annotated[str, Field(max_length=150)] = ""
    script: Annotated[str, Field(max_length=10_000)] = ""


class Audience(Model):
    """The customers of a campaign in its own database; figures add up to `transferred`."""

    state: AudienceState
    expected: int | None  # known when the export has finished
    transferred: int
    control: int  # held back, in nobody's mail or call list
    reachable_mail: int
    reachable_phone: int
    blocked_mail: dict[str, int]  # by Block
    blocked_phone: dict[str, int]
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
    cedula: str
    full_name: str
    province: str | None
    canton: str | None
    email: str | None
    phone: str | None
    mail_block: str | None
    phone_block: str | None
    control: bool


@procedure("campaign")
def create_campaign(new: NewCampaign) -> Campaign:
    """A draft; its audience's transfer begins at once. Raises Invalid."""


@procedure("campaign")
def update_campaign(campaign_id: Id, change: CampaignChange) -> Campaign:
    """Raises NotFound, Invalid, Conflict when the phase does not allow it."""


@procedure("campaign")
def list_campaigns(
    phase: Phase | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CampaignRow]:
    """Newest first."""


@procedure("campaign")
def get_campaign(campaign_id: Id) -> Campaign:
    """Raises NotFound."""


@procedure("campaign")
def change_phase(campaign_id: Id, phase: Phase, reason: str = "") -> Campaign:
    """Raises Conflict when not allowed from here, Invalid naming what is missing."""


@procedure("campaign")
def list_phase_changes(campaign_id: Id) -> list[PhaseChange]:
    """Oldest first. Raises NotFound."""


@procedure("campaign")
def request_audience(campaign_id: Id) -> Audience:
    """Transfer the segment's customers anew. Raises Conflict while a transfer runs."""


@procedure("campaign")
def get_audience(campaign_id: Id) -> Audience:
    """Raises NotFound."""


@procedure("campaign")
def list_members(
    campaign_id: Id, search: str | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Member]:
    """The audience by surname; `search` is a cédula or a surname's beginning."""


# --- statistics ---


class Count(Model):
    """A bar, slice or cell: `key` is stable, `label` Spanish."""

    key: str
    label: str
    count: int


class DayCount(Model):
    """Calls of a day by result."""

    on: date
    result: str
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
    skipped: dict[str, int]
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
    cedula: str
    full_name: str
    campaigns: list[int]


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


@procedure("campaign")
def get_statistics(campaign_id: Id) -> CampaignStatistics:
    """Raises NotFound."""


@procedure("campaign")
def get_repeated_customers(after: str | None = None, limit: Limit = 50) -> RepeatedCustomers:
    """Over the present audiences of all campaigns but cancelled ones."""


@procedure("campaign")
def list_by_budget() -> list[CampaignFigures]:
    """The 100 newest campaigns, largest budget first."""


@procedure("campaign")
def list_by_age(campaign_id: int | None = None) -> list[GroupFigures]:
    """Age groups 18–29, 30–44, 45–59, 60 and over, unknown."""


@procedure("campaign")
def list_by_gender(campaign_id: int | None = None) -> list[GroupFigures]:
    """F, M, X, unknown."""


@procedure("campaign")
def list_by_province(campaign_id: int | None = None) -> list[ProvinceFigures]:
    """All 24 provinces, for the map."""


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
