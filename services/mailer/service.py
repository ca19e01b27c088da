"""The doors of mailer."""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from services.mailer import (
    addresses,
    builtin,
    designs,
    mailings,
    merge,
    monthly,
    rules,
    tokens,
    twins,
    workshop,
)
from services.mailer.letter_doors import LetterDoors
from services.mailer.models import Mailing
from services.mailer.news import News
from services.mailer.recipient_doors import RecipientDoors
from services.mailer.subscription_doors import SubscriptionDoors
from shared import audit, clock, outbox, trace
from shared.contract import Page
from shared.contracts import campaign, customer_query
from shared.contracts import mailer as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.mailer import MailingState, RecipientState
from shared.errors import Conflict, Invalid, NotFound
from shared.rpc import command, command_after, query, rpc

TEST_EMAIL = "usted@prueba"


class MailerService(LetterDoors, RecipientDoors, SubscriptionDoors, News):
    """Designs, mailing runs with their ledger, the monthly run, unsubscription."""

    name = "mailer"
    gallery = builtin.Gallery()

    # --- designs ---

    @query(contract.list_merge_fields)
    def list_merge_fields(
        self,
        session: Session,  # noqa: ARG002  # every query is given one
    ) -> list[contract.MergeField]:
        return list(merge.FIELDS)

    @query(contract.list_designs)
    def list_designs(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.Design]:
        found = designs.list_designs(session, after, limit)
        return Page.cut(found, contract.Design.model_validate)

    @query(contract.get_design)
    def get_design(self, session: Session, design_id: int) -> contract.Design:
        return contract.Design.model_validate(designs.get_design(session, design_id))

    def _clean_design(self, new: contract.NewDesign) -> dict[str, Any]:
        """The design's columns: reading and cleaning take their time."""
        if (new.html is None) == (new.file_key is None):
            raise Invalid.field("html", "Pegue el HTML o suba un archivo.")
        return workshop.build(new)

    @command_after(_clean_design, contract.create_design)
    def create_design(
        self,
        session: Session,
        cleaned: dict[str, Any],
        new: contract.NewDesign,  # noqa: ARG002  # it is cleaned by now
    ) -> contract.Design:
        design = designs.insert_design(session, cleaned, trace.actor().username)
        made = {"name": design.name, "subject": design.subject}
        audit.record(session, AuditAction.CREATED, AuditKind.DESIGN, design.id, after=made)
        return contract.Design.model_validate(design)

    @command(contract.delete_design)
    def delete_design(self, session: Session, design_id: int) -> None:
        designs.delete_design(session, design_id)
        audit.record(session, AuditAction.DELETED, AuditKind.DESIGN, design_id)

    @rpc(contract.preview_design)
    def preview_design(self, design_id: int, customer_id: int | None = None) -> contract.Preview:
        """Asks customer_query for the person before the transaction opens."""
        person = None if customer_id is None else self.ask(customer_query.get_customer, customer_id)
        values = merge.EXAMPLE | {merge.UNSUBSCRIBE: tokens.url(tokens.TEST)}
        if person is not None:
            values = merge.values_of(
                person,
                campaign=values["campana"],
                unsubscribe_url=values[merge.UNSUBSCRIBE],
            )
        with self.db.begin() as session:
            design = designs.get_design(session, design_id)
            given = {name: getattr(design, name) for name in ("subject", "html", "text")}
            removed = design.removed
        return contract.Preview(**workshop.fill(given, values), removed=removed)

    @command(contract.send_test)
    def send_test(self, session: Session, design_id: int, subject: str, email: str) -> None:
        """Checked now, sent by a worker."""
        designs.get_design(session, design_id)
        merge.check(subject, field="subject")
        address = addresses.check(email)
        asked_by, reference = trace.actor().username, uuid4().hex
        to = {"email": address}
        audit.record(session, AuditAction.TEST_SENT, AuditKind.DESIGN, design_id, after=to)
        outbox.add_job(
            session, "mailer.send_test", design_id, subject, address, asked_by, reference
        )

    # --- runs ---

    def _find_campaign(self, new: contract.NewMailing) -> campaign.Campaign:
        """With its present phase: what was announced may lag behind a person."""
        return self.ask(campaign.get_campaign, new.campaign_id)

    @command_after(_find_campaign, contract.create_mailing)
    def create_mailing(
        self, session: Session, found: campaign.Campaign, new: contract.NewMailing
    ) -> contract.Mailing:
        rules.check_campaign(found.phase, found.channels)
        rules.check_send_at(new.send_at, clock.now())
        design_id = new.design_id or found.design_id
        if design_id is None:
            raise Invalid.field("design_id", "Elija un diseño.")
        design = designs.get_design(session, design_id)
        subject = new.subject or found.mail_subject or design.subject
        merge.check(subject, field="subject")
        if not subject.strip():
            raise Invalid.field("subject", "Escriba el asunto.")
        if not new.again:
            twins.refuse(session, found.id, design.id, new.customer_ids)
        values = {
            "campaign_id": found.id,
            "campaign_name": found.name,
            "kind": contract.MailingKind.ON_DEMAND,
            "design_id": design.id,
            "design_name": design.name,
            "subject": subject,
            "send_at": new.send_at,
            "customer_ids": new.customer_ids,
            "created_by": trace.actor().username,
        }
        mailing = mailings.insert_mailing(session, values)
        if mailing is None:
            raise Conflict("El envío ya existe.")
        to = new.customer_ids or []
        audit.record(session, AuditAction.SENT, AuditKind.MAILING, mailing.id, listed=to)
        return self._shown(session, mailing)

    @query(contract.get_mailing)
    def get_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        return self._shown(session, mailings.get_mailing(session, mailing_id))

    @query(contract.list_mailings)
    def list_mailings(
        self,
        session: Session,
        campaign_id: int | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Mailing]:
        """The counts of all in one statement."""
        found = mailings.list_mailings(session, campaign_id, after, limit)
        counts = mailings.count_by_state(session, [row.transfer_id for row in found.rows])
        return Page.cut(found, lambda row: mailings.to_contract(row, counts[row.transfer_id]))

    @command(contract.pause_mailing)
    def pause_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        """Every sender's next mark sees it."""
        mailing = self._open(session, mailing_id, "pause")
        mailings.pause(session, mailing, rules.Pauser.PERSON)
        return self._shown(session, mailing)

    def _find_campaign_of(self, mailing_id: int, *_: Any, **__: Any) -> campaign.Campaign:
        """With its present phase, as in `create_mailing`."""
        with self.db.begin() as session:
            campaign_id = mailings.get_mailing(session, mailing_id).campaign_id
        return self.ask(campaign.get_campaign, campaign_id)

    @command_after(_find_campaign_of, contract.resume_mailing)
    def resume_mailing(
        self, session: Session, found: campaign.Campaign, mailing_id: int
    ) -> contract.Mailing:
        mailing = self._open(session, mailing_id, "resume")
        rules.check_campaign(found.phase, found.channels)
        mailings.go_on(session, mailing)
        return self._shown(session, mailing)

    @command(contract.cancel_mailing)
    def cancel_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        """No further mail starts; a job cancels what is pending, however many they are."""
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        half = mailing.state == MailingState.CANCELLED and mailing.error is not None
        if not half:
            rules.check_allowed("cancel", mailing.state)
        mailings.cancel(session, mailing)
        self._record(session, mailing_id, "cancel")
        return self._shown(session, mailing)

    @command_after(_find_campaign_of, contract.retry_mailing)
    def retry_mailing(
        self,
        session: Session,
        found: campaign.Campaign,
        mailing_id: int,
        include_doubtful: bool = False,  # noqa: FBT001, FBT002  # by the contract
    ) -> contract.Mailing:
        mailing = self._open(session, mailing_id, "retry")
        rules.check_campaign(found.phase, found.channels)
        states = [RecipientState.FAILED, *([RecipientState.DOUBTFUL] if include_doubtful else [])]
        mailings.retry(session, mailing, states)
        return self._shown(session, mailing)

    # --- the monthly run ---

    def _find_selected(self, month: str | None = None) -> list[campaign.CampaignBrief]:
        """The campaigns of the monthly run with their present phase, as in `create_mailing`."""
        local = monthly.local_now()
        rules.check_month(month or rules.month_of(local), local)
        with self.db.begin() as session:
            schedule = monthly.get_schedule(session)
        return [self._ask_brief(campaign_id) for campaign_id in schedule.campaign_ids]

    @command_after(_find_selected, contract.run_monthly)
    def run_monthly(
        self, session: Session, briefs: list[campaign.CampaignBrief], month: str | None = None
    ) -> list[contract.MonthlyOutcome]:
        month = month or rules.month_of(monthly.local_now())
        audit.record(session, AuditAction.SENT, AuditKind.SCHEDULE, month)
        return monthly.start_month(session, month, briefs, trace.actor().username, anew=True)

    @query(contract.get_monthly_schedule)
    def get_monthly_schedule(self, session: Session) -> contract.MonthlySchedule:
        return monthly.get_schedule(session)

    def _check_selected(self, schedule: contract.MonthlySchedule) -> None:
        """Each campaign exists. Raises Invalid."""
        try:
            for campaign_id in schedule.campaign_ids:
                self.ask(campaign.get_campaign, campaign_id)
        except NotFound:
            raise Invalid.field("campaign_ids", f"No existe la campaña {campaign_id}.") from None

    @command_after(_check_selected, contract.set_monthly_schedule)
    def set_monthly_schedule(
        self, session: Session, _: None, schedule: contract.MonthlySchedule
    ) -> contract.MonthlySchedule:
        before = monthly.get_schedule(session).model_dump()
        after = schedule.model_dump()
        audit.record(session, AuditAction.CHANGED, AuditKind.SCHEDULE, before=before, after=after)
        monthly.set_schedule(session, schedule)
        return monthly.get_schedule(session)

    # --- parts of several doors ---

    def _open(self, session: Session, mailing_id: int, action: str) -> Mailing:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        rules.check_allowed(action, mailing.state)
        self._record(session, mailing_id, action)
        return mailing

    def _record(self, session: Session, mailing_id: int, action: str) -> None:
        """That a person paused, resumed, tried again or cancelled."""
        what = (AuditAction.STEERED, AuditKind.MAILING, mailing_id)
        audit.record(session, *what, after={"action": action})

    def _shown(self, session: Session, mailing: Mailing) -> contract.Mailing:
        counts = mailings.count_by_state(session, [mailing.transfer_id])
        return mailings.to_contract(mailing, counts[mailing.transfer_id])

    def _ask_brief(self, campaign_id: int) -> campaign.CampaignBrief:
        found = self.ask(campaign.get_campaign, campaign_id)
        shown = campaign.CampaignBrief.model_fields.keys() - {"campaign_id"}
        return campaign.CampaignBrief(
            campaign_id=found.id, **{name: getattr(found, name) for name in shown}
        )
