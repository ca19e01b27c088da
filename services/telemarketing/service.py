"""The doors of telemarketing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from services.telemarketing import (
    calls,
    campaigns,
    leases,
    results,
    rules,
)
from services.telemarketing.assignment_doors import AssignmentDoors
from services.telemarketing.models import Target
from services.telemarketing.news import News
from services.telemarketing.reach import visible
from services.telemarketing.risk_doors import RiskDoors
from shared import audit, clock, outbox, trace
from shared.contract import Page
from shared.contracts import telemarketing as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Conflict, Invalid
from shared.rpc import command, query, query_recorded
from shared.settings import settings


class TelemarketingService(AssignmentDoors, RiskDoors, News):
    """Who calls whom, what came of it, and the risk check before the call."""

    name = "telemarketing"

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


def _may_call(now: datetime) -> bool:
    return rules.may_call(settings().calling_hours, now, clock.GUAYAQUIL)
