"""mailer: designs, mailing runs with their ledger, the monthly run, unsubscription."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from shared.change import Version
from shared.contract import SECRET, Event, Id, Limit, Line, Model, Moment, Page, Whole, procedure
from shared.contracts.customer_query import EVERYBODY, CustomerPermission
from shared.contracts.exports import ExportWhy
from shared.contracts.people import Block
from shared.errors import FieldError, Invalid
from shared.permissions import Permission, Role
from shared.personal import IDENTIFYING, MAIL, WORDS, Shown
from shared.scope import HOUSE, OPEN
from shared.words import Term

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class MailPermission(Permission):
    """On designs and mailing runs."""

    DESIGN = "design.write", "Diseñar correos", Role.MARKETING_HEAD
    READ = "mail.read", "Ver envíos", Role.MARKETING_HEAD, Role.SUPERVISOR, Role.ADMIN
    SEND = "mail.send", "Enviar correo", Role.MARKETING_HEAD


_SERVER_WORDS = re.compile(r"\d{3}(?=[ -]|$)")


def told(reason: str) -> str:
    """Why a mail did not go out, for a page: a server's own words, which it says in English, so."""
    return f"El servidor respondió: «{reason}»." if _SERVER_WORDS.match(reason) else reason


class RecipientState(Term):
    """A ledger row's state; a run's target is the sum over all of them."""

    PENDING = "pending", "Pendiente", "Pendientes"
    SENDING = "sending", "En envío"
    SENT = "sent", "Enviado", "Enviados"
    FAILED = "failed", "Fallido", "Fallidos"
    SKIPPED = "skipped", "Omitido", "Omitidos"
    # The sender died, or its line broke, when the mail may have been taken.
    DOUBTFUL = "doubtful", "Dudoso", "Dudosos"
    # The run was cancelled before this person's turn.
    CANCELLED = "cancelled", "Cancelado", "Cancelados"


class SkipReason(Term):
    """Why a person of a run is not mailed: a Block, as it is said of mail, or one of our own."""

    DO_NOT_CONTACT = Block.DO_NOT_CONTACT, Block.DO_NOT_CONTACT.word
    NO_CONSENT = Block.NO_CONSENT, Block.NO_CONSENT.word
    NO_ADDRESS = Block.NO_ADDRESS, "Sin correo"
    BOUNCED = Block.BOUNCED, Block.BOUNCED.word
    OVER_CAP = Block.OVER_CAP, Block.OVER_CAP.word
    UNSUBSCRIBED = "unsubscribed", "Se dio de baja"
    DUPLICATE = "duplicate", "Comparte la dirección con otro cliente"


class MailingState(Term):
    """Life of a run."""

    PREPARING = "preparing", "Preparando público"  # the audience is being transferred
    SCHEDULED = "scheduled", "Programado"
    SENDING = "sending", "Enviando"
    PAUSED = "paused", "Pausado"
    FINISHED = "finished", "Terminado"
    CANCELLED = "cancelled", "Cancelado"
    FAILED = "failed", "No se pudo preparar"  # could not be prepared


class MailingKind(Term):
    """Why a run exists."""

    ON_DEMAND = "on_demand", "A pedido"
    MONTHLY = "monthly", "Mensual"


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

    name: Annotated[Line, Field(min_length=3, max_length=120)]
    subject: Annotated[Line, Field(max_length=150)] = ""
    html: Annotated[str, Field(max_length=500_000)] | None = None  # one of the two
    file_key: str | None = None


class Preview(Model):
    """A design filled in; the HTML is for a sandboxed frame only."""

    subject: str
    html: str
    text: str
    removed: list[str]  # what cleaning took out when it was uploaded, in Spanish


@procedure("mailer", scope=HOUSE)
def list_merge_fields() -> list[MergeField]:
    """List the personal fields that a design may use.

    A design writes them as `{{ name }}`; each is filled in for its recipient.
    """


@procedure("mailer", scope=HOUSE)
def list_designs(after: str | None = None, limit: Limit = 50) -> Page[Design]:
    """List designs, built-in ones first.

    Without their HTML: a preview has it.
    """


@procedure("mailer", scope=HOUSE)
def get_design(design_id: Id) -> Design:
    """Get a design, without its HTML.

    With the personal fields that it uses and why its last test mail did not go out.

    NotFound: there is no such design.
    """


@procedure(
    "mailer",
    scope=HOUSE,
    example={
        "name": "Navidad",
        "subject": "Un regalo para usted, {{ primer_nombre }}",
        "html": "<p>Hola {{ primer_nombre }}</p><a href='{{ enlace_baja }}'>Darse de baja</a>",
    },
)
def create_design(new: NewDesign) -> Design:
    """Create a design from HTML, or from an uploaded .html or .zip file.

    The HTML is cleaned of scripts and checked; a zip holds one page and its images. It needs a link
    for unsubscribing (`{{ enlace_baja }}`).

    NotFound: the uploaded file is gone.
    Invalid: no HTML, too large, no link for unsubscribing, or an unknown personal field, with its
    line.
    """


@procedure("mailer", scope=HOUSE)
def delete_design(design_id: Id) -> None:
    """Take a design out of the gallery; runs that have ended still name it.

    NotFound: there is no such design.
    Conflict: it is built in, or a run that has not ended uses it.
    """


@procedure("mailer", scope=HOUSE, example={"customer_id": 7})
def preview_design(design_id: Id, customer_id: Id | None = None) -> Preview:
    """Fill a design in for a customer, or for an example person.

    Show the HTML only in a sandboxed frame: it is somebody's own. `removed` says what was taken out
    of it when it was uploaded.

    NotFound: there is no such design, or no such customer.
    """


# --- runs ---


class NewMailing(Model):
    """A run on demand: to a campaign now or at a time, or to some of its people."""

    campaign_id: Id
    design_id: Id | None = None  # None: the campaign's
    subject: Annotated[Line, Field(max_length=150)] = ""  # empty: the campaign's, else the design's
    send_at: Moment | None = None
    customer_ids: Annotated[list[Id], Field(max_length=1000)] | None = None  # None: everybody
    again: bool = False  # although the same design went to the same people minutes ago


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
    skipped: dict[SkipReason, int]
    doubtful: int
    cancelled: int
    per_second: float | None  # measured lately, while sending
    seconds_left: int | None
    send_at: datetime | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    def count_of(self, state: RecipientState) -> int:
        """How many of the target are in this state."""
        skipped = state is RecipientState.SKIPPED
        return sum(self.skipped.values()) if skipped else int(getattr(self, state.value))


class Recipient(Model):
    """A ledger row."""

    customer_id: int
    full_name: Annotated[str, IDENTIFYING]
    email: Annotated[str | None, MAIL]
    state: RecipientState
    # A SkipReason of the skipped; the server's answer of a failure, which often names the address
    reason: Annotated[str | None, WORDS]
    at: datetime | None
    masked: list[str] = []  # fields that are shown in part


class MonthlyOutcome(Model):
    """What the monthly run did for one campaign."""

    campaign_id: int
    campaign_name: str
    mailing_id: int
    started: bool  # False: this month's run existed already


class MonthlySchedule(Model):
    """When the monthly run goes out, and for which campaigns."""

    day: Annotated[Whole, Field(ge=1, le=31)]  # in a shorter month its last day
    hour: Annotated[Whole, Field(ge=0, le=23)]  # America/Guayaquil
    campaign_ids: Annotated[list[Id], Field(max_length=1000)]  # mailed while in phase executing
    error: str | None = None  # why the last one by the clock could not begin; not to be set
    version: Version | None = None  # as it was read; None: whatever it is now


@procedure(
    "mailer",
    scope=HOUSE,
    example={"campaign_id": 7, "subject": "Su nueva fibra", "send_at": "2026-12-01T09:00:00-05:00"},
)
def create_mailing(new: NewMailing) -> Mailing:
    """Begin a mailing run: now or at a time, to a whole campaign or to some of its people.

    The answer comes at once; the audience is brought up to date before anything is sent. Design and
    subject are the campaign's where they are left out. Nobody is mailed twice in a run, nor without
    consent.

    NotFound: there is no such campaign, or no such design.
    Conflict: the campaign is not executing, does not use mail, or a run of the design to the same
    people was begun in the last 15 minutes, which is named; `again` begins another.
    Invalid: no design, no subject, an unknown personal field in the subject, or a time that has
    passed.
    """


@procedure("mailer", scope=HOUSE)
def get_mailing(mailing_id: Id) -> Mailing:
    """Get a mailing run with its counts.

    The target = pending + sending + sent + failed + all skipped + doubtful + cancelled.

    NotFound: there is no such run.
    """


@procedure("mailer", scope=HOUSE)
def list_mailings(
    campaign_id: Id | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Mailing]:
    """List mailing runs, newest first.

    Of one campaign or of all, with their counts.
    """


@procedure("mailer", scope=HOUSE)
def pause_mailing(mailing_id: Id) -> Mailing:
    """Stop a mailing run for now.

    Within two seconds no further mail starts.

    NotFound: there is no such run.
    Conflict: it is neither sending nor scheduled.
    """


@procedure("mailer", scope=HOUSE)
def resume_mailing(mailing_id: Id) -> Mailing:
    """Let a paused mailing run go on.

    One whose time is still to come waits for it.

    NotFound: there is no such run.
    Conflict: it is not paused, or its campaign is not executing.
    """


@procedure("mailer", scope=HOUSE)
def cancel_mailing(mailing_id: Id) -> Mailing:
    """Stop a mailing run for good.

    What is pending becomes cancelled, in the background where they are many.

    NotFound: there is no such run.
    Conflict: it has ended.
    """


@procedure("mailer", scope=HOUSE, example={"include_doubtful": False})
def retry_mailing(
    mailing_id: Id,
    include_doubtful: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
) -> Mailing:
    """Send again to those whom an ended mailing run failed to reach.

    With `include_doubtful` also to those who may have got it already. A run that could not be
    prepared asks for its audience once more.

    NotFound: there is no such run.
    Conflict: it has not ended, there is nobody left to be tried, or its campaign is not executing.
    """


@procedure("mailer", scope=EVERYBODY)
def list_recipients(
    mailing_id: Id,
    state: RecipientState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Recipient]:
    """List the ledger of a mailing run, in the order of the customers' ids.

    In one state or in all. `reason` is why somebody was skipped, or the mail server's own words.

    NotFound: there is no such run.
    Denied: the actor may not see all customers.
    """


@procedure("mailer", scope=EVERYBODY, whole=CustomerPermission.EXPORT)
def export_recipients(
    mailing_id: Id,
    state: RecipientState,
    why: ExportWhy | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Recipient]:
    """List the ledger of a mailing run in one state, for a file.

    As `list_recipients`; addresses are whole only for a reason.

    NotFound: there is no such run.
    Denied: the user may not take personal data away.
    Invalid: the reason is not said.
    """


@procedure("mailer", scope=HOUSE, example={"month": "2026-11"})
def run_monthly(month: Month | None = None) -> list[MonthlyOutcome]:
    """Begin the monthly runs of a month.

    For each campaign of the schedule that is executing with a design, only once a month: `started`
    is false where the run exists already. One that could not be prepared begins anew. No month is
    the present one, in Ecuador.

    Invalid: the month is still to come or over, or not written as YYYY-MM.
    """


@procedure("mailer", scope=HOUSE)
def get_monthly_schedule() -> MonthlySchedule:
    """Get when the monthly runs go out, and for which campaigns.

    By default on day 1 at 9, for none. `error` says why the last one by the clock could not begin.
    """


@procedure(
    "mailer", scope=HOUSE, example={"day": 5, "hour": 9, "campaign_ids": [7, 8], "version": 1}
)
def set_monthly_schedule(schedule: MonthlySchedule) -> MonthlySchedule:
    """Replace when the monthly runs go out, and for which campaigns.

    Day 1 to 31, in a shorter month its last; hour 0 to 23 in Ecuador; `error` is not to be set.
    With `version`, as the schedule was read, nobody's later change is overwritten.

    Conflict: somebody changed the schedule after that `version`.
    Invalid: a field is wrong, or a campaign does not exist.
    """


@procedure("mailer", scope=HOUSE)
def send_test(design_id: Id, subject: Annotated[str, Field(max_length=150)], email: str) -> None:
    """Send a design, filled in for an example person, to one's own address, marked as a test.

    Whoever asks hears by the bell whether the mail server took it, in its words.

    NotFound: there is no such design.
    Invalid: the address is none, or the subject uses an unknown personal field.
    """


# --- unsubscription ---


class Subscription(Model):
    """What the preference page shows: the address is masked (m…@correo.example)."""

    email: Annotated[str, Shown("masked already, for everybody")]
    campaign_name: str
    unsubscribed: bool
    test: bool


Token = Annotated[str, SECRET]  # whoever has it may unsubscribe its person


@procedure("mailer", scope=OPEN)
def get_subscription(token: Token) -> Subscription:
    """Get what the preference page of a mail's link shows; it changes nothing.

    NotFound: the token is not ours.
    """


@procedure("mailer", scope=OPEN)
def unsubscribe(token: Token) -> Subscription:
    """Stop all marketing mail to the person of a mail's link, everywhere; again is no error.

    NotFound: the token is not ours.
    """


# --- letters ---


class LetterTemplate(Term):
    """What a letter says: its word is the subject, and the asker fills in its fields."""

    fields: frozenset[str]

    def __new__(cls, code: str, subject: str, *fields: str) -> Self:
        """A member; `fields` are texts as the person shall read them."""
        member = cls.make(code, subject)
        member.fields = frozenset(fields)
        return member

    DATA_ERASED = "data_erased", "Sus datos fueron eliminados", "erased_on"
    REQUEST_RECEIVED = "request_received", "Recibimos su solicitud", "request", "due_on"
    REQUEST_ANSWERED = "request_answered", "Respuesta a su solicitud", "request", "answer"

    PASSWORD_INVITATION = "password_invitation", "Su usuario de Pregón", "link", "lasts"
    PASSWORD_RESET = "password_reset", "Elija una contraseña nueva", "link", "lasts"
    PASSWORD_CHANGED = "password_changed", "Su contraseña fue cambiada", "changed_at", "way"

    def check(self, fields: Mapping[str, str]) -> None:
        """Raises Invalid, naming each field that is missing or that no such letter has."""
        wrong = [
            FieldError(f"fields.{name}", text)
            for names, text in (
                (self.fields - fields.keys(), "Este campo es obligatorio."),
                (fields.keys() - self.fields, "Este campo no existe."),
            )
            for name in sorted(names)
        ]
        if wrong:
            raise Invalid("Hay datos por corregir.", wrong)


class Addressee(Model):
    """Who gets a letter."""

    customer_id: Id | None = None  # None: no customer
    full_name: str
    email: Annotated[str, Field(min_length=1)]


Reference = Annotated[str, Field(min_length=1, max_length=200)]


class Letter(Model):
    """One service mail, without what it says and to whom.

    It is skipped only because its address bounces.
    """

    reference: str
    template: LetterTemplate
    customer_id: int | None
    state: RecipientState
    # A SkipReason of the skipped; else why it did not go out (yet)
    reason: Annotated[str | None, WORDS]
    created_at: datetime
    sent_at: datetime | None
    masked: list[str] = []  # fields that are shown in part


@procedure("mailer", scope=HOUSE)
def send_notice(
    template: LetterTemplate, person: Addressee, fields: dict[str, str], reference: Reference
) -> Letter:
    """Send a person a letter: a mail about their own affairs, for which no consent is needed.

    Once for each reference: asked for again, it is the letter as it stands by now. It goes out in
    the background; an address that bounces is left alone. For whoever is in a transaction there is
    `shared.letters`.

    Invalid: there is no such template, or its fields are others.
    """


# --- events ---


class LetterRequested(Event, service="mailer"):
    """Any room asks that a person be sent a letter; see `shared.letters`."""

    template: LetterTemplate
    person: Addressee
    fields: dict[str, str]
    reference: Reference


class LetterEnded(Event, service="mailer"):
    """A letter is out, or is not and will not be; whoever asked for it knows the reference."""

    reference: str
    template: LetterTemplate
    state: RecipientState
    reason: str  # Spanish: why it did not go out, or may not have; empty for one that is out
    at: datetime


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
