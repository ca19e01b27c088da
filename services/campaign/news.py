"""What campaign hears of the other rooms."""

from sqlalchemy.orm import Session

from services.campaign import (
    audience,
    contact_states,
    exports,
    facts,
    failures,
    store,
)
from services.campaign.models import EditionState, ExportKind, ExportState
from shared import outbox
from shared.contracts import customer_query, mailer, telemarketing
from shared.events import on_event
from shared.room import Room


class News(Room):
    """What other rooms tell campaign."""

    @on_event(mailer.RecipientsRequested)
    def on_recipients_requested(self, session: Session, event: mailer.RecipientsRequested) -> None:
        """Export at once, or after a refresh of the audience."""
        _export(session, ExportKind.RECIPIENTS, event, event.customer_ids, refresh=event.refresh)

    @on_event(telemarketing.CallListRequested)
    def on_call_list_requested(
        self, session: Session, event: telemarketing.CallListRequested
    ) -> None:
        """Export the present edition, or the one on its way."""
        _export(session, ExportKind.CALL_LIST, event, None, refresh=False)

    @on_event(mailer.MailingChanged)
    def on_mailing_changed(self, session: Session, event: mailer.MailingChanged) -> None:
        """A run's target."""
        facts.record_mailing(session, event)

    @on_event(mailer.MailingProgressed)
    def on_mailing_progressed(self, session: Session, event: mailer.MailingProgressed) -> None:
        """A batch of outcomes."""
        facts.record_outcomes(session, event)

    @on_event(mailer.RecipientUnsubscribed)
    def on_recipient_unsubscribed(
        self, session: Session, event: mailer.RecipientUnsubscribed
    ) -> None:
        """For the mail funnel."""
        facts.record_unsubscription(session, event.mailing_id, event.customer_id)

    @on_event(telemarketing.CallRecorded)
    def on_call_recorded(self, session: Session, event: telemarketing.CallRecorded) -> None:
        """For the charts."""
        facts.record_call(session, event)

    @on_event(customer_query.ContactStatesChanged)
    def on_contact_states_changed(
        self, session: Session, event: customer_query.ContactStatesChanged
    ) -> None:
        """So that a later export knows of it."""
        contact_states.follow(session, event.customers)

    @on_event(customer_query.CustomersErased)
    def on_customers_erased(self, session: Session, event: customer_query.CustomersErased) -> None:
        """Forget who they were."""
        contact_states.erase(session, event.customer_ids)

    @on_event(customer_query.SegmentExportFailed)
    def on_segment_export_failed(
        self, session: Session, event: customer_query.SegmentExportFailed
    ) -> None:
        """The edition will not come."""
        failures.fail_edition(session, event.transfer_id, event.reason)


def _export(
    session: Session,
    kind: ExportKind,
    event: mailer.RecipientsRequested | telemarketing.CallListRequested,
    customer_ids: list[int] | None,
    *,
    refresh: bool,
) -> None:
    campaign = store.get_campaign(session, event.campaign_id, lock=True)
    latest = audience.find_latest(session, campaign.id)
    on_its_way = latest is not None and latest.state is EditionState.TRANSFERRING
    if refresh and not on_its_way:
        audience.request(session, campaign)
    wait = refresh or on_its_way
    export = exports.insert_export(
        session,
        {
            "transfer_id": event.transfer_id,
            "kind": kind,
            "campaign_id": campaign.id,
            "audience_id": None if wait else campaign.audience_id,
            "customer_ids": customer_ids,
            "state": ExportState.WAITING if wait else ExportState.RUNNING,
        },
    )
    if wait:
        return
    if campaign.audience_id is None:
        failed = exports.fail_export(session, export.transfer_id)
        failures.announce(session, failed, "La campaña no tiene público: transfiéralo primero.")
        return
    outbox.add_job(session, "campaign.export_audience", str(event.transfer_id))
