"""The doors of telemarketing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from services.telemarketing import (
    assignments,
    call_lists,
    calls,
    campaigns,
    leases,
    moves,
    results,
    rules,
)
from services.telemarketing.models import Campaign, Target
from services.telemarketing.news import News
from services.telemarketing.reach import check_reach, visible
from services.telemarketing.risk_doors import RiskDoors
from shared import audit, clock, outbox, trace
from shared.contract import Page
from shared.contracts import identity
from shared.contracts import telemarketing as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.campaign import Phase
from shared.contracts.identity import UserState
from shared.contracts.telemarketing import CallPermission
from shared.errors import Conflict, Invalid, NotFound
from shared.rpc import command, command_after, query, query_recorded
from shared.settings import settings


class TelemarketingService(RiskDoors, News):
    """Who calls whom, what came of it, and the risk check before the call."""

    name = "telemarketing"

    # --- assignments ---

    def _find_advisors(
        self,
        campaign_id: int,  # noqa: ARG002  # asked before the door, with its arguments
        new: contract.NewAssignment,
    ) -> list[str]:
        """Each once, as identity knows them. Raises Invalid."""
        known = self._advisors()
        if (whose := contract.assign_customers.scope.whose(trace.actor())) is not None:
            known &= whose
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
        now = clock.now()
        for share in shares:
            people = assignments.give(session, campaign_id, share)
            moves.announce(session, campaign_id, share.advisor, people, now, given=True)
            given[share.advisor] += len(people)
        left = assignments.count_unassigned(session, campaign_id)
        audit.record(session, AuditAction.ASSIGNED, AuditKind.CAMPAIGN, campaign_id, after=given)
        return contract.Assigned(by_advisor=given, left=left)

    def _advisors(self) -> set[str]:
        found: set[str] = set()
        after: str | None = None
        while True:
            page = self.ask(
                identity.list_users, permission=CallPermission.WORK, after=after, limit=200
            )
            found |= {user.username for user in page.items if user.state is UserState.ACTIVE}
            if (after := page.next) is None:
                return found

    @command(contract.take_back)
    def take_back(self, session: Session, campaign_id: int, advisor: str) -> contract.Freed:
        """A person who is being spoken to stays until the result."""
        campaigns.get_campaign(session, campaign_id, lock=True)
        check_reach(contract.take_back, advisor)
        freed = assignments.take_back(session, campaign_id, advisor, now := clock.now())
        moves.announce(session, campaign_id, advisor, freed, now, given=False)
        what = (AuditAction.TAKEN_BACK, AuditKind.CAMPAIGN, campaign_id)
        audit.record(session, *what, before={"advisor": advisor}, after={"advisor": None})
        return contract.Freed(freed=len(freed))

    @query(contract.list_assignments)
    def list_assignments(
        self,
        session: Session,
        campaign_id: int | None = None,
        advisor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Assignment]:
        advisors = visible(contract.list_assignments, advisor)
        found = assignments.list_assignments(session, campaign_id, advisors, after, limit)
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
        if target is not None:
            audit.record(session, AuditAction.CALL_SEEN, AuditKind.CUSTOMER, target.customer_id)
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
        if (call := calls.find_of_lease(session, lease.id)) is not None:
            raise results.recorded(call)
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
        results.check_same(call, new)
        return calls.to_contract(call, campaign_name)

    @query(contract.list_results)
    def list_results(
        self,
        session: Session,  # noqa: ARG002  # every query is given one
    ) -> list[contract.ResultMeaning]:
        return list(rules.MEANINGS.values())

    @query_recorded(contract.list_calls)
    def list_calls(
        self,
        session: Session,
        campaign_id: int | None = None,
        customer_id: int | None = None,
        advisor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Call]:
        advisors = visible(contract.list_calls, advisor)
        found = calls.list_calls(session, campaign_id, customer_id, advisors, after, limit)
        audit.record_list(session, AuditKind.CALLS, [row.customer_id for row in found.rows])
        return Page.cut(found, contract.Call.model_validate)

    @query_recorded(contract.list_callbacks)
    def list_callbacks(
        self, session: Session, from_at: datetime, to_at: datetime, advisor: str | None = None
    ) -> list[contract.Callback]:
        found = calls.list_callbacks(
            session, from_at, to_at, visible(contract.list_callbacks, advisor)
        )
        audit.record_list(session, AuditKind.CALLBACKS, [row.customer_id for row in found])
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
