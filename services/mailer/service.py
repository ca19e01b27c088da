"""The doors of mailer."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from services.mailer import (
    builtin,
    campaigns,
    contacts,
    designs,
    ledger,
    mailings,
    merge,
    monthly,
    rules,
    tokens,
    uploads,
)
from services.mailer.models import Mailing
from shared import clock, idempotency, outbox, trace
from shared.contract import Page, Procedure, cursor
from shared.contracts import campaign, customer_query, telemarketing
from shared.contracts import mailer as contract
from shared.contracts.mailer import MailingState, RecipientState
from shared.errors import Conflict, Invalid, NotFound
from shared.events import on_event
from shared.room import Room
from shared.rpc import command, query, rpc

TEST_EMAIL = "usted@prueba"


class MailerService(Room):
    """Designs, mailing runs with their ledger, the monthly run, unsubscription."""

    name = "mailer"
    gallery = builtin.Gallery()

    # --- designs ---

    @query(contract.list_merge_fields)
    def list_merge_fields(
        self,
        session: Session,  # noqa: ARG002  # every query is given one
    ) -> list[contract.MergeField]:
        """See the contract."""
        return list(merge.FIELDS)

    @query(contract.list_designs)
    def list_designs(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.Design]:
        """See the contract."""
        rows = designs.list_designs(session, cursor(after), limit + 1)
        return Page(
            items=[designs.to_contract(row) for row in rows[:limit]],
            next=str(rows[limit - 1].id) if len(rows) > limit else None,
        )

    @query(contract.get_design)
    def get_design(self, session: Session, design_id: int) -> contract.Design:
        """See the contract."""
        return designs.to_contract(designs.get_design(session, design_id))

    @rpc(contract.create_design)
    def create_design(self, new: contract.NewDesign) -> contract.Design:
        """Reads and cleans the file before the transaction opens."""
        if (new.html is None) == (new.file_key is None):
            raise Invalid.field("html", "Pegue el HTML o suba un archivo.")
        html, images = (new.html or "", {}) if new.file_key is None else uploads.read(new.file_key)
        values = designs.build(new.name, new.subject, html, images)
        with self.db.begin() as session:
            return idempotency.once(
                session,
                contract.create_design,
                {"new": new},
                lambda: designs.to_contract(
                    designs.insert_design(session, values, trace.actor().username)
                ),
            )

    @command(contract.delete_design)
    def delete_design(self, session: Session, design_id: int) -> None:
        """See the contract."""
        designs.delete_design(session, design_id)

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
            compiled = designs.compile_design(design.subject, design.html, design.text)
            removed = design.removed
        return contract.Preview(
            subject=compiled.subject(values),
            html=compiled.html(values),
            text=compiled.text(values),
            removed=removed,
        )

    @command(contract.send_test)
    def send_test(self, session: Session, design_id: int, subject: str, email: str) -> None:
        """Checked now, sent by a worker."""
        designs.get_design(session, design_id)
        merge.check(subject, field="subject")
        if email.count("@") != 1 or not email.isascii() or " " in email:
            raise Invalid.field("email", "Escriba una dirección de correo como ana@correo.ec.")
        outbox.add_job(session, "mailer.send_test", design_id, subject, email)

    # --- runs ---

    @rpc(contract.create_mailing)
    def create_mailing(self, new: contract.NewMailing) -> contract.Mailing:
        """Asks campaign for its present phase: what was announced may lag behind a person."""
        found = self.ask(campaign.get_campaign, new.campaign_id)
        with self.db.begin() as session:
            return idempotency.once(
                session,
                contract.create_mailing,
                {"new": new},
                lambda: self._create_mailing(session, new, found),
            )

    def _create_mailing(
        self, session: Session, new: contract.NewMailing, found: campaign.Campaign
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
        return self._shown(session, mailing)

    @query(contract.get_mailing)
    def get_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        """See the contract."""
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
        rows = mailings.list_mailings(session, campaign_id, cursor(after), limit + 1)
        counts = mailings.count_by_state(session, [row.transfer_id for row in rows])
        return Page(
            items=[mailings.to_contract(row, counts[row.transfer_id]) for row in rows[:limit]],
            next=str(rows[limit - 1].id) if len(rows) > limit else None,
        )

    @command(contract.pause_mailing)
    def pause_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        """Every sender's next mark sees it."""
        mailing = self._open(session, mailing_id, "pause")
        mailings.pause(session, mailing, rules.Pauser.PERSON)
        return self._shown(session, mailing)

    @rpc(contract.resume_mailing)
    def resume_mailing(self, mailing_id: int) -> contract.Mailing:
        """Asks campaign for its present phase, as `create_mailing` does."""
        return self._put_to_work(contract.resume_mailing, mailing_id, {}, "resume", mailings.go_on)

    @command(contract.cancel_mailing)
    def cancel_mailing(self, session: Session, mailing_id: int) -> contract.Mailing:
        """No further mail starts; a job cancels what is pending, however many they are."""
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        half = mailing.state == MailingState.CANCELLED and mailing.error is not None
        if not half:
            rules.check_allowed("cancel", mailing.state)
        mailings.cancel(session, mailing)
        return self._shown(session, mailing)

    @rpc(contract.retry_mailing)
    def retry_mailing(
        self,
        mailing_id: int,
        include_doubtful: bool = False,  # noqa: FBT001, FBT002  # by the contract
    ) -> contract.Mailing:
        """Asks campaign for its present phase, as `create_mailing` does."""
        states = [RecipientState.FAILED, *([RecipientState.DOUBTFUL] if include_doubtful else [])]
        return self._put_to_work(
            contract.retry_mailing,
            mailing_id,
            {"include_doubtful": include_doubtful},
            "retry",
            lambda session, mailing: mailings.retry(session, mailing, states),
        )

    def _put_to_work(
        self,
        procedure: Procedure[..., contract.Mailing],
        mailing_id: int,
        further: dict[str, Any],
        action: str,
        act: Callable[[Session, Mailing], None],
    ) -> contract.Mailing:
        with self.db.begin() as session:
            campaign_id = mailings.get_mailing(session, mailing_id).campaign_id
        found = self.ask(campaign.get_campaign, campaign_id)

        def change(session: Session) -> contract.Mailing:
            mailing = self._open(session, mailing_id, action)
            rules.check_campaign(found.phase, found.channels)
            act(session, mailing)
            return self._shown(session, mailing)

        arguments = {"mailing_id": mailing_id} | further
        with self.db.begin() as session:
            return idempotency.once(session, procedure, arguments, lambda: change(session))

    @query(contract.list_recipients)
    def list_recipients(
        self,
        session: Session,
        mailing_id: int,
        state: RecipientState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Recipient]:
        """See the contract."""
        transfer_id = mailings.get_mailing(session, mailing_id).transfer_id
        rows = ledger.list_recipients(session, transfer_id, state, cursor(after), limit + 1)
        following = str(rows[limit - 1].customer_id) if len(rows) > limit else None
        return Page(items=rows[:limit], next=following)

    # --- the monthly run ---

    @rpc(contract.run_monthly)
    def run_monthly(self, month: str | None = None) -> list[contract.MonthlyOutcome]:
        """Asks campaign for the present phase of each, as `create_mailing` does."""
        local = monthly.local_now()
        month = month or rules.month_of(local)
        rules.check_month(month, local)
        with self.db.begin() as session:
            schedule = monthly.get_schedule(session)
        briefs = [self._ask_brief(campaign_id) for campaign_id in schedule.campaign_ids]
        with self.db.begin() as session:
            return idempotency.once(
                session,
                contract.run_monthly,
                {"month": month},
                lambda: monthly.start_month(
                    session, month, briefs, trace.actor().username, anew=True
                ),
            )

    @query(contract.get_monthly_schedule)
    def get_monthly_schedule(self, session: Session) -> contract.MonthlySchedule:
        """See the contract."""
        return monthly.get_schedule(session)

    @rpc(contract.set_monthly_schedule)
    def set_monthly_schedule(self, schedule: contract.MonthlySchedule) -> contract.MonthlySchedule:
        """Asks campaign whether each exists."""
        try:
            for campaign_id in schedule.campaign_ids:
                self.ask(campaign.get_campaign, campaign_id)
        except NotFound:
            raise Invalid.field("campaign_ids", f"No existe la campaña {campaign_id}.") from None
        with self.db.begin() as session:
            monthly.set_schedule(session, schedule)
            return monthly.get_schedule(session)

    # --- unsubscription ---

    @query(contract.get_subscription)
    def get_subscription(self, session: Session, token: str) -> contract.Subscription:
        """See the contract."""
        return self._subscription(session, tokens.read(token))

    @command(contract.unsubscribe)
    def unsubscribe(self, session: Session, token: str) -> contract.Subscription:
        """Announced once (`RecipientUnsubscribed`), however often it is asked for."""
        link = tokens.read(token)
        if link.is_test:
            return self._subscription(session, link)
        mailing = mailings.get_mailing(session, link.mailing_id)
        if contacts.set_unsubscribed(session, link.customer_id):
            event = contract.RecipientUnsubscribed(
                customer_id=link.customer_id,
                campaign_id=mailing.campaign_id,
                mailing_id=mailing.id,
                at=clock.now(),
            )
            outbox.add(session, event)
        return self._subscription(session, link)

    # --- what the other rooms tell ---

    @on_event(campaign.CampaignChanged)
    def on_campaign_changed(self, session: Session, event: campaign.CampaignChanged) -> None:
        """Its runs pause and go on with it; one that closes or ends cancels them.

        The runs are looked at once the phase is kept: whoever starts one reads it after locking it.
        """
        if campaigns.keep_campaign(session, event):
            for mailing in mailings.claim_open_of_campaign(session, event.campaign.campaign_id):
                mailings.follow(session, mailing, event.campaign.phase)

    @on_event(campaign.ExportFailed)
    def on_export_failed(self, session: Session, event: campaign.ExportFailed) -> None:
        """The run that waits for this audience could not be prepared; other rooms' are not ours."""
        mailing = mailings.find_by_transfer(session, event.transfer_id, lock=True)
        if mailing is not None and mailing.state == MailingState.PREPARING:
            mailings.fail(session, mailing, event.reason)

    @on_event(customer_query.ContactStatesChanged)
    def on_contact_states_changed(
        self, session: Session, event: customer_query.ContactStatesChanged
    ) -> None:
        """Suppression everywhere at once."""
        for state in event.customers:
            contacts.keep_state(session, state)

    @on_event(customer_query.CustomersErased)
    def on_customers_erased(self, session: Session, event: customer_query.CustomersErased) -> None:
        """Forget who they were."""
        contacts.erase(session, event.customer_ids)

    @on_event(telemarketing.CallRecorded)
    def on_call_recorded(self, session: Session, event: telemarketing.CallRecorded) -> None:
        """A call that reached somebody counts for the cap."""
        if event.contacted:
            contacts.insert_contact(session, event.customer_id, event.at)

    # --- parts of several doors ---

    def _open(self, session: Session, mailing_id: int, action: str) -> Mailing:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        rules.check_allowed(action, mailing.state)
        return mailing

    def _shown(self, session: Session, mailing: Mailing) -> contract.Mailing:
        counts = mailings.count_by_state(session, [mailing.transfer_id])
        return mailings.to_contract(mailing, counts[mailing.transfer_id])

    def _ask_brief(self, campaign_id: int) -> campaign.CampaignBrief:
        found = self.ask(campaign.get_campaign, campaign_id)
        shown = campaign.CampaignBrief.model_fields.keys() - {"campaign_id"}
        return campaign.CampaignBrief(
            campaign_id=found.id, **{name: getattr(found, name) for name in shown}
        )

    def _subscription(self, session: Session, link: tokens.Link) -> contract.Subscription:
        if link.is_test:
            return contract.Subscription(
                email=rules.mask(TEST_EMAIL), campaign_name="Prueba", unsubscribed=False, test=True
            )
        mailing = mailings.get_mailing(session, link.mailing_id)
        row = ledger.find_recipient(session, mailing.transfer_id, link.customer_id)
        return contract.Subscription(
            email=rules.mask(row.email or "") if row else "",
            campaign_name=mailing.campaign_name,
            unsubscribed=contacts.is_unsubscribed(session, link.customer_id),
            test=False,
        )
