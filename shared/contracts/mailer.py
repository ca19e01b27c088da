"""mailer: designs, mailing runs with their ledger, the monthly run, unsubscription."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contract import SECRET, Event, Id, Limit, Model, Page, procedure

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class RecipientState(StrEnum):
    """A ledger row's state; a run's target is the sum over all of them."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    DOUBTFUL = "doubtful"  # the sender died, or its line broke, when the mail may have been taken
    CANCELLED = "cancelled"  # the run was cancelled before this person's turn


class MailingState(StrEnum):
    """Life of a run."""

    PREPARING = "preparing"  # the audience is being transferred
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"  # could not be prepared


class MailingKind(StrEnum):
    """Why a run exists."""

    ON_DEMAND = "on_demand"
    MONTHLY = "monthly"


# --- designs ---


class MergeField(Model):
    """A personal field that a design may use as {{ name }}."""

    name: str
    label: str
    example: str


class Design(Model):
    """A mail design, without its HTML."""

    id: int
    name: str
    subject: str  # proposed
    builtin: bool
    fields: list[str]  # merge fields that it uses
    size_bytes: int
    updated_at: datetime
    test_error: str | None  # why the last test mail did not go out


class NewDesign(Model):
    """One's own HTML, as text or as an uploaded file (.html, or .zip with images)."""

    name: Annotated[str, Field(min_length=3, max_length=120)]
    subject: Annotated[str, Field(max_length=150)] = ""
    html: Annotated[str, Field(max_length=500_000)] | None = None  # one of the two
    file_key: str | None = None


class Preview(Model):
    """A design filled in; the HTML is for a sandboxed frame only."""

    subject: str
    html: str
    text: str
    removed: list[str]  # what cleaning took out when it was uploaded, in Spanish


@procedure("mailer")
def list_merge_fields() -> list[MergeField]:
    """The published list."""


@procedure("mailer")
def list_designs(after: str | None = None, limit: Limit = 50) -> Page[Design]:
    """Built-in ones first."""


@procedure("mailer")
def get_design(design_id: Id) -> Design:
    """Raises NotFound."""


@procedure("mailer")
def create_design(new: NewDesign) -> Design:
    """Clean, check and compile. Raises Invalid: unknown merge field with its line, no
    unsubscribe link, no HTML, too large."""


@procedure("mailer")
def delete_design(design_id: Id) -> None:
    """Raises NotFound, Conflict when built in or used by a run that has not ended."""


@procedure("mailer")
def preview_design(design_id: Id, customer_id: int | None = None) -> Preview:
    """Filled in for a customer, or for an example person. Raises NotFound."""


# --- runs ---


class NewMailing(Model):
    """A run on demand: to a campaign now or at a time, or to some of its people."""

    campaign_id: Id
    design_id: int | None = None  # None: the campaign's
    subject: Annotated[str, Field(max_length=150)] = ""  # empty: the campaign's, else the design's
    send_at: AwareDatetime | None = None
    customer_ids: Annotated[list[int], Field(max_length=1000)] | None = None  # None: everybody


class Mailing(Model):
    """A run: target = pending + sending + sent + failed + sum(skipped) + doubtful
    + cancelled."""

    id: int
    campaign_id: int
    campaign_name: str
    kind: MailingKind
    month: str | None  # YYYY-MM of a monthly run
    design_id: int
    design_name: str
    subject: str
    state: MailingState
    error: str | None  # why it waits, was paused by itself, or could not be prepared
    target: int
    pending: int
    sending: int
    sent: int
    failed: int
    skipped: dict[str, int]  # by reason: a Block, "unsubscribed", "duplicate"
    doubtful: int
    cancelled: int
    per_second: float | None  # measured lately, while sending
    seconds_left: int | None
    send_at: datetime | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Recipient(Model):
    """A ledger row."""

    customer_id: int
    full_name: str
    email: str | None
    state: RecipientState
    reason: str | None  # code of a skip; the server's answer of a failure
    at: datetime | None


class MonthlyOutcome(Model):
    """What the monthly run did for one campaign."""

    campaign_id: int
    campaign_name: str
    mailing_id: int
    started: bool  # False: this month's run existed already


class MonthlySchedule(Model):
    """When the monthly run goes out, and for which campaigns."""

    day: Annotated[int, Field(ge=1, le=28)]
    hour: Annotated[int, Field(ge=0, le=23)]  # America/Guayaquil
    campaign_ids: list[int]  # mailed while in phase executing
    error: str | None = None  # why the last one by the clock could not begin; not to be set


@procedure("mailer")
def create_mailing(new: NewMailing) -> Mailing:
    """Raises NotFound, Invalid, Conflict when the campaign is not executing."""


@procedure("mailer")
def get_mailing(mailing_id: Id) -> Mailing:
    """Raises NotFound."""


@procedure("mailer")
def list_mailings(
    campaign_id: int | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Mailing]:
    """Newest first."""


@procedure("mailer")
def pause_mailing(mailing_id: Id) -> Mailing:
    """Within two seconds no further mail starts. Raises Conflict unless sending or scheduled."""


@procedure("mailer")
def resume_mailing(mailing_id: Id) -> Mailing:
    """Raises Conflict unless it is paused and its campaign executes."""


@procedure("mailer")
def cancel_mailing(mailing_id: Id) -> Mailing:
    """What is pending becomes cancelled. Raises Conflict when it has ended."""


@procedure("mailer")
def retry_mailing(
    mailing_id: Id,
    include_doubtful: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
) -> Mailing:
    """Send again to the failed (and, when asked, the doubtful) of an ended run; one that could
    not be prepared asks for its audience once more. Raises Conflict unless its campaign executes.
    """


@procedure("mailer")
def list_recipients(
    mailing_id: Id,
    state: RecipientState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Recipient]:
    """The ledger by customer. Raises NotFound."""


@procedure("mailer")
def run_monthly(month: Month | None = None) -> list[MonthlyOutcome]:
    """Begin this month's runs of the selected campaigns in phase executing, each only once; one
    that could not be prepared begins anew."""


@procedure("mailer")
def get_monthly_schedule() -> MonthlySchedule:
    """As it stands; by default day 1 at 9, no campaigns."""


@procedure("mailer")
def set_monthly_schedule(schedule: MonthlySchedule) -> MonthlySchedule:
    """Raises Invalid."""


@procedure("mailer")
def send_test(design_id: Id, subject: str, email: str) -> None:
    """Send a design, filled in for an example person, to one's own address, marked as a test."""


# --- unsubscription ---


class Subscription(Model):
    """What the preference page shows: the address is masked (m…@correo.example)."""

    email: str
    campaign_name: str
    unsubscribed: bool
    test: bool


Token = Annotated[str, SECRET]  # whoever has it may unsubscribe its person


@procedure("mailer")
def get_subscription(token: Token) -> Subscription:
    """Of the link in a mail; changes nothing. Raises NotFound for a token that is not ours."""


@procedure("mailer")
def unsubscribe(token: Token) -> Subscription:
    """Stop all marketing mail to this person, everywhere. Again is no error."""


# --- events ---


class RecipientsRequested(Event, service="mailer"):
    """campaign shall export an audience into `mailer.load_recipients_chunk`."""

    transfer_id: UUID
    campaign_id: int
    refresh: bool  # transfer the segment anew first
    customer_ids: list[int] | None


class Outcome(Model):
    """What became of one mail."""

    customer_id: int
    state: RecipientState
    reason: str | None
    at: datetime


class MailingProgressed(Event, service="mailer"):
    """Ledger rows reached a final state; batches of at most 500."""

    mailing_id: int
    campaign_id: int
    campaign_name: str
    subject: str
    outcomes: list[Outcome]


class MailingChanged(Event, service="mailer"):
    """A run was prepared or changed its state."""

    mailing_id: int
    campaign_id: int
    state: MailingState
    target: int
    version: int  # grows with each announcement of the run; an older one is ignored


class RecipientUnsubscribed(Event, service="mailer"):
    """A person asked by the link in a mail not to be mailed any more."""

    customer_id: int
    campaign_id: int
    mailing_id: int
    at: datetime
