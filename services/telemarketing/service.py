"""The doors of telemarketing."""

from datetime import datetime
from uuid import UUID

from eventlet import Timeout
from sqlalchemy.orm import Session

from services.telemarketing import (
    assignments,
    call_lists,
    calls,
    campaigns,
    contacts,
    leases,
    refreshes,
    results,
    risks,
    rules,
)
from services.telemarketing.bureau import Bureau, BureauClient, BureauDownError
from services.telemarketing.models import Campaign, Target
from shared import clock, outbox, trace
from shared.contract import Page
from shared.contracts import campaign, customer_query, identity, mailer
from shared.contracts import telemarketing as contract
from shared.contracts.campaign import Phase
from shared.contracts.identity import ROLE_PERMISSIONS, Permission, Role
from shared.contracts.telemarketing import RiskState
from shared.errors import Conflict, Invalid, NotFound
from shared.events import on_event
from shared.room import Room
from shared.rpc import command, command_after, query
from shared.settings import settings


class TelemarketingService(Room):
    """Who calls whom, what came of it, and the risk check before the call."""

    name = "telemarketing"

    bureau: Bureau = BureauClient()

    # --- assignments ---

    def _find_advisors(
        self,
        campaign_id: int,  # noqa: ARG002  # asked before the door, with its arguments
        new: contract.NewAssignment,
    ) -> list[str]:
        """Each once, as identity knows them. Raises Invalid."""
        known = self._advisors()
        for username in new.advisors:
            if username not in known:
                raise Invalid.field("advisors", f"«{username}» no es un asesor activo.")
        return list(dict.fromkeys(new.advisors))

    @command_after(_find_advisors, contract.assign_customers)
    def assign_customers(
        self,
        session: Session,
        advisors: list[str],
        campaign_id: int,
        new: contract.NewAssignment,
    ) -> contract.Assigned:
        """The campaign's lock makes assignments of one campaign follow each other."""
        found = campaigns.get_campaign(session, campaign_id, lock=True)
        _check_assignable(found)
        shares = rules.plan_shares(
            new.strategy,
            new.per_advisor,
            assignments.count_open(session, campaign_id, advisors),
            assignments.count_unassigned_by_province(session, campaign_id),
        )
        given = dict.fromkeys(advisors, 0)
        for share in shares:
            given[share.advisor] += assignments.give(session, campaign_id, share)
        left = assignments.count_unassigned(session, campaign_id)
        return contract.Assigned(by_advisor=given, left=left)

    def _advisors(self) -> set[str]:
        found: set[str] = set()
        after: str | None = None
        while True:
            page = self.ask(identity.list_users, role=Role.ADVISOR, after=after, limit=200)
            found |= {user.username for user in page.items if user.active}
            if (after := page.next) is None:
                return found

    @command(contract.take_back)
    def take_back(self, session: Session, campaign_id: int, advisor: str) -> contract.Freed:
        """A person who is being spoken to stays until the result."""
        campaigns.get_campaign(session, campaign_id, lock=True)
        freed = assignments.take_back(session, campaign_id, advisor, clock.now())
        return contract.Freed(freed=freed)

    @query(contract.list_assignments)
    def list_assignments(
        self,
        session: Session,
        campaign_id: int | None = None,
        advisor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Assignment]:
        found = assignments.list_assignments(session, campaign_id, advisor, after, limit)
        return Page.cut(found, contract.Assignment.model_validate)

    @query(contract.count_unassigned)
    def count_unassigned(self, session: Session, campaign_id: int) -> int:
        """0 also for a campaign whose call list is not here yet."""
        return assignments.count_unassigned(session, campaign_id)

    @command(contract.request_call_list)
    def request_call_list(self, session: Session, campaign_id: int) -> contract.CallList:
        """Asks campaign (`CallListRequested`)."""
        found = campaigns.get_campaign(session, campaign_id, lock=True)
        call_lists.check_can_request(session, found)
        return contract.CallList.model_validate(call_lists.insert_call_list(session, found))

    @query(contract.get_call_list)
    def get_call_list(self, session: Session, campaign_id: int) -> contract.CallList:
        found = call_lists.find_newest(session, campaign_id)
        if found is None:
            raise NotFound("La campaña todavía no tiene lista de llamadas.")
        return contract.CallList.model_validate(found)

    # --- the advisor's calls ---

    @command(contract.next_call)
    def next_call(self, session: Session) -> contract.Lease | None:
        """Nobody is leased outside of calling hours; a running lease stays."""
        advisor, now = trace.actor(), clock.now()
        leases.lock_advisor(session, advisor.username)
        target = leases.find_running(session, advisor.username, now)
        if target is None and _may_call(now):
            target = leases.claim_next(session, advisor.username, now)
        return None if target is None else self._lease(session, target)

    @query(contract.get_lease)
    def get_lease(self, session: Session) -> contract.Lease | None:
        target = leases.find_running(session, trace.actor().username, clock.now())
        return None if target is None else self._lease(session, target)

    @query(contract.get_queue_state)
    def get_queue_state(self, session: Session) -> contract.QueueState:
        advisor, now, hours = trace.actor().username, clock.now(), settings().calling_hours
        if _may_call(now) and leases.is_somebody_next(session, advisor, now):
            open_now, reason, next_at = leases.count_open(session, advisor), None, None
        else:
            open_now, reason, next_at = leases.explain_empty(session, advisor)
            if open_now and not _may_call(now):
                reason = contract.EmptyQueue.OUTSIDE_HOURS
                next_at = rules.next_opening(hours, now, clock.GUAYAQUIL)
        return contract.QueueState(
            open=open_now, empty=reason, next_at=next_at, calling_hours=hours
        )

    @command(contract.save_note)
    def save_note(self, session: Session, lease_id: UUID, note: str) -> None:
        leases.get_lease(session, lease_id, trace.actor().username)
        if len(note) > rules.MAX_NOTE:
            raise Invalid.field("note", f"Escriba como máximo {rules.MAX_NOTE} caracteres.")
        if not leases.set_note(session, lease_id, note):
            raise Conflict("Esta atención ya terminó.")

    @command(contract.release_lease)
    def release_lease(self, session: Session, lease_id: UUID) -> None:
        lease = leases.get_lease(session, lease_id, trace.actor().username)
        leases.release(session, lease)

    @command(contract.record_call)
    def record_call(self, session: Session, new: contract.NewCall) -> contract.Call:
        """Announces `CallRecorded`."""
        advisor, now = trace.actor().username, clock.now()
        lease = leases.get_lease(session, new.lease_id, advisor)
        leases.lock_advisor(session, advisor)
        campaign_name = campaigns.get_campaign(session, lease.campaign_id).name
        call = calls.find_of_lease(session, lease.id)
        if call is None:
            call = results.record(session, lease, new, now)
            outbox.add(session, results.announcement(call, campaign_name))
        return calls.to_contract(call, campaign_name)

    @query(contract.list_results)
    def list_results(
        self,
        session: Session,  # noqa: ARG002  # every query is given one
    ) -> list[contract.ResultMeaning]:
        return list(rules.MEANINGS.values())

    @query(contract.list_calls)
    def list_calls(
        self,
        session: Session,
        campaign_id: int | None = None,
        customer_id: int | None = None,
        advisor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Call]:
        found = calls.list_calls(session, campaign_id, customer_id, _visible(advisor), after, limit)
        return Page.cut(found, contract.Call.model_validate)

    @query(contract.list_callbacks)
    def list_callbacks(
        self, session: Session, from_at: datetime, to_at: datetime, advisor: str | None = None
    ) -> list[contract.Callback]:
        found = calls.list_callbacks(session, from_at, to_at, _visible(advisor))
        return [contract.Callback.model_validate(row) for row in found]

    @query(contract.get_day)
    def get_day(self, session: Session) -> contract.AdvisorDay:
        """A day begins at midnight in Ecuador."""
        advisor = trace.actor().username
        midnight = (
            clock.now()
            .astimezone(clock.GUAYAQUIL)
            .replace(hour=0, minute=0, second=0, microsecond=0)
        )
        made, contacted, accepted = calls.count_day(session, advisor, midnight)
        return contract.AdvisorDay(
            calls=made,
            contacted=contacted,
            accepted=accepted,
            open=leases.count_open(session, advisor),
            callbacks_today=calls.count_callbacks(session, advisor, midnight),
        )

    # --- risk ---

    def _look_up(self, customer_id: int, purpose: str = "call") -> contract.RiskCheck:  # noqa: ARG002
        """What the bureau says of a person."""
        with self.db.begin() as session:
            cedula = _get_person(session, customer_id).cedula
        state, report = self._ask_bureau(cedula)
        return risks.make_check(customer_id, state, report, clock.now())

    @command_after(_look_up, contract.check_risk)
    def check_risk(
        self,
        session: Session,
        check: contract.RiskCheck,
        customer_id: int,  # noqa: ARG002  # the check is of this person
        purpose: str = "call",
    ) -> contract.RiskCheck:
        """Logged and announced (`RiskChecked`); of two at once with one key one is logged."""
        advisor = trace.actor().username
        risks.insert_checks(session, [check], advisor, purpose)
        outbox.add(session, risks.announcement(check, advisor, purpose))
        return check

    def _ask_bureau(self, cedula: str) -> risks.Answer:
        """Connecting, waiting and reading all together have the time that settings give.

        eventlet's own Timeout, which is no Exception, so that nothing on the way can take it for
        the failure of one of several addresses and go on.
        """
        with Timeout(settings().risk_timeout_seconds, False):  # noqa: FBT003  # eventlet's own
            try:
                report = self.bureau.find_risk(cedula)
            except BureauDownError:
                return RiskState.UNAVAILABLE, None
            return (RiskState.UNKNOWN if report is None else RiskState.KNOWN), report
        return RiskState.UNAVAILABLE, None

    @query(contract.find_last_risk)
    def find_last_risk(self, session: Session, customer_id: int) -> contract.RiskCheck | None:
        return risks.find_last(session, customer_id)

    @command(contract.refresh_risks)
    def refresh_risks(self, session: Session, campaign_id: int, advisor: str) -> contract.Refreshed:
        campaigns.get_campaign(session, campaign_id)
        people = assignments.count_open(session, campaign_id, [advisor])[advisor]
        if people:
            number = refreshes.begin(session, campaign_id, advisor, people)
            outbox.add_job(session, "telemarketing.refresh_risks", campaign_id, advisor, number, 0)
        return contract.Refreshed(customers=people)

    # --- what the other rooms tell ---

    @on_event(campaign.CampaignChanged)
    def on_campaign_changed(self, session: Session, event: campaign.CampaignChanged) -> None:
        """Its phase decides whether it is called; a campaign new to the phone gets its list."""
        self._want_call_list(
            session, campaigns.follow_campaign(session, event.campaign, event.version)
        )

    @on_event(campaign.AudienceCompleted)
    def on_audience_completed(self, session: Session, event: campaign.AudienceCompleted) -> None:
        """A new audience is a new call list, where the campaign is called by phone."""
        found = campaigns.set_audience(session, event.campaign_id, event.audience_id, event.version)
        self._want_call_list(session, found)

    def _want_call_list(self, session: Session, found: Campaign) -> None:
        if call_lists.needs_call_list(found):
            call_lists.insert_call_list(session, found)

    @on_event(campaign.ExportFailed)
    def on_export_failed(self, session: Session, event: campaign.ExportFailed) -> None:
        """The list that waits for it ends as failed; others' transfers are unknown here."""
        call_lists.fail(session, event.transfer_id, event.reason)

    @on_event(customer_query.ContactStatesChanged)
    def on_contact_states_changed(
        self, session: Session, event: customer_query.ContactStatesChanged
    ) -> None:
        """From now on nobody is called who must not be."""
        contacts.keep_states(session, event.customers)

    @on_event(mailer.MailingProgressed)
    def on_mailing_progressed(self, session: Session, event: mailer.MailingProgressed) -> None:
        """Mails that were sent are touches; the cap is over mail and phone together."""
        contacts.insert_contacts(
            session,
            [
                (outcome.customer_id, outcome.at)
                for outcome in event.outcomes
                if outcome.state is mailer.RecipientState.SENT
            ],
        )

    @on_event(customer_query.CustomersErased)
    def on_customers_erased(self, session: Session, event: customer_query.CustomersErased) -> None:
        """Forget who they were."""
        for room_part in (contacts, assignments, calls, risks):
            room_part.erase(session, event.customer_ids)

    # --- parts of several doors ---

    def _lease(self, session: Session, target: Target) -> contract.Lease:
        found = campaigns.get_campaign(session, target.campaign_id)
        script = rules.fill_script(found.script, target.full_name, trace.actor().full_name)
        return leases.to_contract(target, found.name, script)


def _check_assignable(found: Campaign) -> None:
    if found.phase != Phase.EXECUTING:
        raise Conflict("Solo se asignan clientes de una campaña en ejecución.")
    if found.listed_at is None:
        raise Conflict("La lista de llamadas de la campaña aún no está lista. Espere un momento.")


def _may_call(now: datetime) -> bool:
    return rules.may_call(settings().calling_hours, now, clock.GUAYAQUIL)


def _visible(advisor: str | None) -> str | None:
    """Whose calls the actor may see: an advisor the own ones, whatever was asked."""
    actor = trace.actor()
    if Permission.CALL_READ_ALL in ROLE_PERMISSIONS[Role(actor.role)]:
        return advisor
    return actor.username


def _get_person(session: Session, customer_id: int) -> Target:
    found = assignments.find_person(session, customer_id)
    if found is None:
        raise NotFound("Este cliente no está en ninguna lista de llamadas.")
    return found
