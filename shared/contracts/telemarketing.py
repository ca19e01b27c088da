"""telemarketing: who calls whom, what came of it, and the risk check before the call."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contract import Event, Id, Limit, Model, Moment, Page, Whole, procedure
from shared.contracts.people import Block, Category, Gender
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.contracts.risk_central import RiskPurpose as RiskPurpose
from shared.permissions import Permission, Role
from shared.personal import CEDULA, IDENTIFYING, INCOME, MAIL, PHONE, Shown
from shared.scope import HOUSE, SELF, work
from shared.words import Term


class CallPermission(Permission):
    """On calls, and whom advisors call."""

    ASSIGN = "assignment.write", "Asignar clientes", Role.MARKETING_HEAD, Role.SUPERVISOR
    WORK = "call.work", "Llamar a clientes", Role.ADVISOR
    READ_ALL = "call.read_all", "Ver las llamadas de todos", Role.MARKETING_HEAD
    READ_TEAM = "call.read_team", "Ver las llamadas del equipo", Role.SUPERVISOR
    READ_ASSIGNMENTS = (
        "assignment.read_all",
        "Ver las asignaciones de todos",
        Role.MARKETING_HEAD,
        Role.ADMIN,
    )
    CHECK_RISK = "risk.check", "Consultar el riesgo", Role.ADVISOR, Role.SUPERVISOR


OTHERS = frozenset({CallPermission.READ_ALL, CallPermission.READ_TEAM})  # whose calls are seen
CALLERS = OTHERS | {CallPermission.WORK}
CALLS = work(all=CallPermission.READ_ALL, team=CallPermission.READ_TEAM)
ASSIGNMENTS = work(all=CallPermission.READ_ASSIGNMENTS, team=CallPermission.READ_TEAM)


class CallResult(Term):
    """Results of a call, in the order of the keys 1 to 9 and 0."""

    ACCEPTED = "accepted", "Aceptó"
    INTERESTED = "interested", "Interesado"
    CALLBACK = "callback", "Volver a llamar"
    NOT_INTERESTED = "not_interested", "No le interesa"
    DO_NOT_CALL = "do_not_call", "No llamar más"
    NO_ANSWER = "no_answer", "No contesta"
    BUSY = "busy", "Ocupado"
    VOICEMAIL = "voicemail", "Buzón de voz"
    WRONG_NUMBER = "wrong_number", "Número equivocado"
    OUT_OF_SERVICE = "out_of_service", "Fuera de servicio"


class ResultMeaning(Model):
    """What a result means for figures and for trying again."""

    result: CallResult
    label: str  # Spanish
    key: str  # on the keyboard
    contacted: bool  # the right person was spoken to
    success: bool
    final: bool  # the customer leaves the campaign's queue
    retry_minutes: int | None  # wait before the next attempt, when not final


class Strategy(Term):
    """How customers are shared out."""

    EQUAL = "equal", "Partes iguales"
    CAPACITY = "capacity", "Según su capacidad"  # fewer to those with more still open
    PROVINCE = "province", "Por provincia"  # each advisor whole provinces, as far as it goes


class NewAssignment(Model):
    """Give `per_advisor` customers of a campaign to each of these advisors."""

    advisors: Annotated[list[str], Field(min_length=1, max_length=100)]  # usernames
    per_advisor: Annotated[Whole, Field(ge=1, le=5000)]
    strategy: Strategy = Strategy.EQUAL


class CallListState(Term):
    """How far a campaign's call list is."""

    LOADING = "loading", "En camino"  # campaign sends it
    MERGING = "merging", "Incorporándose"  # all is here; its people become those who are called
    DONE = "done", "Lista"
    SUPERSEDED = "superseded", "Reemplazada"  # a newer one was quicker
    FAILED = "failed", "Fallida"  # with the reason; may be asked for again


class CallList(Model):
    """A campaign's newest call list and what became of it."""

    campaign_id: int
    state: CallListState
    error: str | None  # Spanish, when it failed
    requested_at: datetime
    ended_at: datetime | None


class RefreshState(Term):
    """How far the bureau was asked about an assignment."""

    RUNNING = "running", "En curso"
    DONE = "done", "Terminada"
    FAILED = "failed", "Fallida"  # with the reason; may be asked for again


class RiskRefresh(Model):
    """The last time the bureau was asked about everybody an advisor had open."""

    state: RefreshState
    people: int
    asked: int
    error: str | None  # Spanish, when it failed
    started_at: datetime


class Assignment(Model):
    """An advisor's share of a campaign."""

    campaign_id: int
    campaign_name: str
    advisor: str
    assigned: int
    open: int  # still to be called
    done: int
    refresh: RiskRefresh | None = None  # None: the bureau was never asked about all of them


class Assigned(Model):
    """What an assignment gave out; fewer than asked when the audience ran out."""

    by_advisor: dict[str, int]
    left: int  # customers that nobody has yet


class Freed(Model):
    """How many customers an advisor gave back."""

    freed: int


class OpenWork(Model):
    """What somebody who calls no more leaves to be called, in campaigns that are not over."""

    advisor: str
    full_name: str  # as identity knows it, else the username
    open: int
    callbacks: int  # of them, agreed with the person
    next_callback_at: datetime | None
    campaigns: int


class NewHolders(Model):
    """Who gets somebody's open work."""

    advisors: Annotated[list[str], Field(min_length=1, max_length=100)]  # usernames


class HandedOver(Model):
    """Who got how much of somebody's open work."""

    by_advisor: dict[str, int]
    left: int  # still theirs: who is spoken to now, and beyond what one step moves


class Refreshed(Model):
    """About how many customers the bureau is asked."""

    customers: int


class CallCustomer(Model):
    """The person to call, as the campaign's audience knows them."""

    customer_id: int
    cedula: Annotated[str, CEDULA]
    full_name: Annotated[str, IDENTIFYING]
    gender: Annotated[Gender | None, IDENTIFYING]
    birth_on: Annotated[date | None, IDENTIFYING]
    income: Annotated[Decimal | None, INCOME]
    province: str | None
    canton: str | None
    category: Category | None
    joined_on: date | None
    email: Annotated[str | None, MAIL]
    phone: Annotated[str, Shown("it is dialled, by the one advisor who has the lease")]
    masked: list[str] = []  # fields that are shown in part


class Lease(Model):
    """A customer held by one advisor until a result is recorded or the time runs out."""

    lease_id: UUID
    expires_at: datetime
    customer: CallCustomer
    campaign_id: int
    campaign: str
    script: str
    attempts: int  # calls before this one
    note: str  # saved so far
    callback_at: datetime | None  # when this is an agreed callback


class NewCall(Model):
    """The result of a call."""

    lease_id: UUID
    result: CallResult
    note: Annotated[str, Field(max_length=2000)] = ""
    callback_at: Moment | None = None  # required with result callback


class Call(Model):
    """A call that was made."""

    id: int
    campaign_id: int
    campaign_name: str
    customer_id: int
    customer_name: str
    advisor: str
    result: CallResult
    note: str
    callback_at: datetime | None
    at: datetime
    seconds: int  # from lease to result


class Callback(Model):
    """An agreed call in the calendar."""

    id: int
    customer_id: int
    customer_name: str
    phone: Annotated[str, PHONE]  # it is dialled from the lease
    campaign_id: int
    campaign_name: str
    advisor: str
    at: datetime
    note: str
    done: bool
    masked: list[str] = []  # fields that are shown in part


class RiskState(Term):
    """How a risk check ended."""

    KNOWN = "known", "Con registro"
    UNKNOWN = "unknown", "Sin registro"  # the bureau has nothing on this person
    UNAVAILABLE = "unavailable", "Sin respuesta"  # the bureau does not answer


class Offer(Term):
    """What the policy says may be offered."""

    ALL = "all", "Todos los planes y equipos"
    PREPAID_ONLY = "prepaid_only", "Solo prepago"
    NONE = "none", "Nada"


class BureauTrouble(Term):
    """Why the bureau gave no answer."""

    DOWN = "down", "No responde"
    CREDENTIALS = "credentials", "Rechaza las credenciales"  # an administrator has to mend it


class CheckedRisk(RiskReport):
    """What the bureau said of one whom the asker works with, and so need only recognise."""

    masked: list[str] = []  # fields that are shown in part


class KnownRisk(Model):
    """What the bureau said when it answered last."""

    report: CheckedRisk | None  # None: it had nothing on this person
    checked_at: datetime
    age_days: int  # whole days since then


class RiskCheck(Model):
    """A person's risk and what follows from it."""

    customer_id: int
    state: RiskState
    report: CheckedRisk | None
    offer: Offer
    message: str  # Spanish, for the advisor
    checked_at: datetime
    trouble: BureauTrouble | None = None  # why it is unavailable
    last: KnownRisk | None = None  # when it is unavailable, and was not always


class AdvisorDay(Model):
    """An advisor's figures of today."""

    calls: int
    contacted: int
    accepted: int
    open: int  # assigned and still to be called
    callbacks_today: int


class EmptyQueue(Term):
    """Why there is nobody to call now."""

    OUTSIDE_HOURS = "outside_hours", "Fuera de horario"  # the law's calling hours
    NOTHING_ASSIGNED = "nothing_assigned", "Sin clientes asignados"
    # Those left are of campaigns that do not execute now.
    NOT_EXECUTING = "not_executing", "Campañas que no se ejecutan"
    WAITING = "waiting", "Por intentar más tarde"  # those left are to be tried again later
    # Those left had as many contacts as anybody may have.
    OVER_CAP = Block.OVER_CAP, Block.OVER_CAP.word
    FINISHED = "finished", "Todos atendidos"  # everybody assigned has been dealt with


class QueueState(Model):
    """What an advisor still has to call; `empty` is None when somebody can be called now."""

    open: int
    empty: EmptyQueue | None
    next_at: datetime | None  # when there will be somebody, as far as it is known
    calling_hours: str  # as set, "08:00-20:00"


@procedure(
    "telemarketing",
    scope=CALLS,
    example={"advisors": ["asesor1", "asesor2"], "per_advisor": 50, "strategy": "capacity"},
)
def assign_customers(campaign_id: Id, new: NewAssignment) -> Assigned:
    """Give each advisor customers of a campaign that nobody has yet.

    Never the same customer to two advisors; fewer than `per_advisor` when there are not enough.

    NotFound: there is no such campaign.
    Conflict: the campaign is not executing, or its call list is not there yet.
    Invalid: a username is no active advisor's.
    """


@procedure("telemarketing", scope=CALLS)
def take_back(campaign_id: Id, advisor: str) -> Freed:
    """Free an advisor's customers of a campaign that are still to be called.

    Somebody who is being spoken to stays until the result.

    NotFound: there is no such campaign.
    """


@procedure("telemarketing", scope=CALLS)
def list_open_work() -> list[OpenWork]:
    """List what is to be called by people who call no more, the most urgent first.

    Of those who left, are deactivated, or may no longer call; at most 200 of them.
    """


@procedure("telemarketing", scope=CALLS, example={"advisors": ["asesor2", "asesor3"]})
def hand_over(advisor: str, new: NewHolders) -> HandedOver:
    """Share what an advisor still has to call among others, equally, agreed calls with it.

    In all campaigns that are not over; of somebody who left as well as of one who is on leave. At
    most 10,000 people in one step. Somebody who is being spoken to stays until the result.

    NotFound: the actor sees no work of this advisor.
    Invalid: a username is no active advisor's, or the giving one's.
    """


@procedure("telemarketing", scope=ASSIGNMENTS)
def list_assignments(
    campaign_id: Id | None = None,
    advisor: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Assignment]:
    """List who has how many customers of which campaign.

    By campaign, newest first, then by advisor; what is open is still to be called.
    """


@procedure("telemarketing", scope=HOUSE)
def count_unassigned(campaign_id: Id) -> int:
    """Count the reachable customers of a campaign that nobody has yet.

    0 also for an unknown campaign.
    """


@procedure("telemarketing", scope=HOUSE)
def request_call_list(campaign_id: Id) -> CallList:
    """Ask for a campaign's call list anew, as after one that failed.

    It is of the present audience, and comes in the background: ask for the list to see its state.

    NotFound: there is no such campaign.
    Conflict: the campaign is not called by phone or has no audience, or its list is on its way.
    """


@procedure("telemarketing", scope=HOUSE)
def get_call_list(campaign_id: Id) -> CallList:
    """Get a campaign's newest call list and what became of it.

    Of one that failed `error` says why, in Spanish; it may be asked for again.

    NotFound: none was asked for yet, also of an unknown campaign.
    """


@procedure("telemarketing", scope=SELF)
def next_call() -> Lease | None:
    """Lease the customer whom the asking advisor calls next.

    A lease that is still running comes again; then callbacks that are due, then the queue.
    Nobody is leased outside of the calling hours. Nobody else gets the customer until a result
    is recorded, the lease is given back, or it expires.
    """


@procedure("telemarketing", scope=SELF)
def get_lease() -> Lease | None:
    """Get the actor's running lease, without taking a new one."""


@procedure("telemarketing", scope=SELF)
def get_queue_state() -> QueueState:
    """Count whom the asking advisor still has to call.

    And why nobody can be called now, when that is so.
    """


@procedure("telemarketing", scope=SELF)
def save_note(lease_id: UUID, note: str) -> None:
    """Keep what is typed during a call.

    NotFound: the actor has no such lease.
    Conflict: the lease is over.
    Invalid: the note is too long.
    """


@procedure("telemarketing", scope=SELF)
def release_lease(lease_id: UUID) -> None:
    """Give a leased customer back without a call.

    One whose time is over stays as it is.

    NotFound: the actor has no such lease.
    Conflict: its call is recorded.
    """


@procedure(
    "telemarketing",
    scope=SELF,
    example={
        "lease_id": "0b9c0c1e-6f0a-4a57-9f0a-2f7d1f3f9a11",
        "result": "callback",
        "note": "Prefiere por la tarde",
        "callback_at": "2026-12-01T16:30:00-05:00",
    },
)
def record_call(new: NewCall) -> Call:
    """Record a call's result, which ends its lease.

    The same lease and result again give the same call. `callback_at` goes with the result
    `callback`, lies in the future, not beyond a year, and within the calling hours. A person who
    asked another advisor meanwhile not to be called is not called again, whatever the result says.

    NotFound: the actor has no such lease.
    Conflict: somebody else has the customer now, or the lease ended with another result, which
    `errors` says.
    Invalid: a field is wrong, or `callback_at` does not fit the result.
    """


@procedure("telemarketing", scope=HOUSE)
def list_results() -> list[ResultMeaning]:
    """List the results a call can have, by their keys.

    Whether the person was spoken to, whether it counts as a success, and when the customer is tried
    again.
    """


@procedure("telemarketing", scope=CALLS)
def list_calls(
    campaign_id: Id | None = None,
    customer_id: Id | None = None,
    advisor: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Call]:
    """List calls, newest first.

    An advisor sees only the own ones, whatever `advisor` says.
    """


@procedure("telemarketing", scope=CALLS)
def list_callbacks(from_at: Moment, to_at: Moment, advisor: str | None = None) -> list[Callback]:
    """List agreed calls by time, at most 1,000.

    From `from` on and before `to`, both with their time zone. An advisor sees only the own ones,
    whatever `advisor` says.
    """


@procedure("telemarketing", scope=SELF)
def get_day() -> AdvisorDay:
    """Get the actor's figures of today, which begins at midnight in Ecuador."""


@procedure("telemarketing", scope=CALLS, example={"purpose": "sale"})
def check_risk(customer_id: Id, purpose: RiskPurpose = RiskPurpose.SALE) -> RiskCheck:
    """Ask the bureau about a customer, for a purpose that the law allows.

    Who asked, what for and what came of it is logged. A bureau that does not answer is no error:
    `state` is `unavailable`, `trouble` says why, and `last` is what it said when it answered last.

    NotFound: the customer is on no call list.
    """


@procedure("telemarketing", scope=CALLS)
def find_last_risk(customer_id: Id) -> RiskCheck | None:
    """Find the last check that the bureau answered, without asking it again.

    None before the first.
    """


@procedure("telemarketing", scope=CALLS)
def refresh_risks(campaign_id: Id, advisor: str) -> Refreshed:
    """Ask the bureau about everybody an advisor has open in a campaign.

    In the background; the answer says about how many that are.

    NotFound: there is no such campaign.
    Conflict: it is being asked about them now.
    """


# --- events ---


class CallListRequested(Event, service="telemarketing"):
    """campaign shall export an audience into `telemarketing.load_call_list_chunk`."""

    transfer_id: UUID
    campaign_id: int


class PeopleMoved(Event, service="telemarketing"):
    """People came to an advisor's list, or left it; batches of at most 500."""

    campaign_id: int
    advisor: str
    customer_ids: list[int]
    given: bool  # False: taken back
    at: datetime  # what was heard of them later stays


class CallRecorded(Event, service="telemarketing"):
    """An advisor finished a call."""

    call_id: int
    campaign_id: int
    campaign_name: str
    customer_id: int
    advisor: str
    result: CallResult
    label: str
    contacted: bool
    success: bool
    note: str
    callback_at: datetime | None
    at: datetime


class RiskChecked(Event, service="telemarketing"):
    """Somebody looked at a person's risk."""

    customer_id: int
    advisor: str
    purpose: RiskPurpose
    state: RiskState
    category: RiskCategory | None
    at: datetime
