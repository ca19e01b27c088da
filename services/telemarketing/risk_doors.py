"""The doors of telemarketing on a person's risk."""

from collections.abc import Iterator

from eventlet import Timeout
from sqlalchemy.orm import Session

from services.telemarketing import (
    assignments,
    campaigns,
    refreshes,
    risks,
)
from services.telemarketing.bureau import (
    Bureau,
    BureauClient,
    BureauDownError,
    BureauRefusesError,
)
from services.telemarketing.models import Target
from services.telemarketing.reach import NOBODY, check_person, check_reach
from shared import audit, clock, outbox, trace
from shared.contracts import telemarketing as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.telemarketing import BureauTrouble, RiskState
from shared.errors import NotFound
from shared.room import Room
from shared.rpc import command, command_after, query_recorded
from shared.settings import settings


class RiskDoors(Room):
    """Risk checks before a call, each on record."""

    bureau: Bureau = BureauClient()

    def _look_up(
        self,
        customer_id: int,
        purpose: contract.RiskPurpose = contract.RiskPurpose.SALE,  # noqa: ARG002  # written down after
    ) -> contract.RiskCheck:
        """What the bureau says of a person."""
        with self.db.begin() as session:
            check_person(session, contract.check_risk, customer_id)
            cedula = _get_person(session, customer_id).cedula
        state, report, trouble = self._ask_bureau(cedula)
        return risks.make_check(customer_id, state, report, clock.now(), trouble)

    @command_after(_look_up, contract.check_risk)
    def check_risk(
        self,
        session: Session,
        check: contract.RiskCheck,
        customer_id: int,  # noqa: ARG002  # the check is of this person
        purpose: contract.RiskPurpose = contract.RiskPurpose.SALE,
    ) -> contract.RiskCheck:
        """Logged and announced (`RiskChecked`); of two at once with one key one is logged.

        Without an answer it has the last one; wrong credentials are told to administrators.
        """
        advisor = trace.actor().username
        risks.insert_checks(session, [check], advisor, purpose)
        _record_check(session, check, purpose)
        outbox.add(session, risks.announcement(check, advisor, purpose))
        if check.trouble is BureauTrouble.CREDENTIALS:
            risks.warn_administrators(session, check.checked_at)
        return risks.add_last(session, check) if check.trouble else check

    def _ask_bureau(self, cedula: str) -> risks.Answer:
        """Connecting, waiting and reading all together have the time that settings give.

        eventlet's own Timeout, which is no Exception, so that nothing on the way can take it for
        the failure of one of several addresses and go on.
        """
        with Timeout(settings().risk_timeout_seconds, False):  # noqa: FBT003  # eventlet's own
            try:
                report = self.bureau.find_risk(cedula)
            except BureauRefusesError:
                return RiskState.UNAVAILABLE, None, BureauTrouble.CREDENTIALS
            except BureauDownError:
                return RiskState.UNAVAILABLE, None, BureauTrouble.DOWN
            return (RiskState.UNKNOWN if report is None else RiskState.KNOWN), report, None
        return RiskState.UNAVAILABLE, None, BureauTrouble.DOWN

    def _troubles(self) -> Iterator[str]:
        """What an operator has to mend."""
        yield from super()._troubles()
        if self.bureau.refused:
            yield "the risk central refuses PREGON_SOAP_USER and PREGON_SOAP_PASSWORD"

    @query_recorded(contract.find_last_risk)
    def find_last_risk(self, session: Session, customer_id: int) -> contract.RiskCheck | None:
        check_person(session, contract.find_last_risk, customer_id)
        found = risks.find_last(session, customer_id)
        if found is not None:
            audit.record(session, AuditAction.RISK_SEEN, AuditKind.CUSTOMER, customer_id)
        return found

    @command(contract.refresh_risks)
    def refresh_risks(self, session: Session, campaign_id: int, advisor: str) -> contract.Refreshed:
        campaigns.get_campaign(session, campaign_id)
        check_reach(contract.refresh_risks, advisor)
        people = assignments.count_open(session, campaign_id, [advisor])[advisor]
        audit.record(session, AuditAction.RISKS_REFRESHED, AuditKind.CAMPAIGN, campaign_id)
        if people:
            number = refreshes.begin(session, campaign_id, advisor, people)
            outbox.add_job(session, "telemarketing.refresh_risks", campaign_id, advisor, number, 0)
        return contract.Refreshed(customers=people)


def _record_check(
    session: Session, check: contract.RiskCheck, purpose: contract.RiskPurpose
) -> None:
    """With the band that the actor saw."""
    seen = {"state": check.state, "category": check.report and check.report.category}
    what = (AuditAction.RISK_CHECKED, AuditKind.CUSTOMER, check.customer_id)
    audit.record(session, *what, purpose=purpose.word, after=seen)


def _get_person(session: Session, customer_id: int) -> Target:
    found = assignments.find_person(session, customer_id)
    if found is None:
        raise NotFound(NOBODY)
    return found
