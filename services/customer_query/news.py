"""What customer_query hears of the other rooms."""

from sqlalchemy.orm import Session

from services.customer_query import (
    announcements,
    contact_events,
    reach,
    segment_store,
)
from shared import outbox
from shared.contracts import campaign, mailer, risk_central, telemarketing
from shared.events import on_event
from shared.room import Room


class News(Room):
    """What other rooms tell customer_query."""

    @on_event(campaign.AudienceRequested)
    def on_audience_requested(self, session: Session, event: campaign.AudienceRequested) -> None:
        """The export is a worker's."""
        segment_store.insert_export(session, event)
        outbox.add_job(session, "customer_query.export_segment", str(event.transfer_id), bulk=True)

    @on_event(campaign.CampaignChanged)
    def on_campaign_changed(self, session: Session, event: campaign.CampaignChanged) -> None:
        """For the split, for names on time lines, and for whose people are whose."""
        segment_store.follow_campaign(session, event)
        reach.follow_phase(session, event.campaign.campaign_id, event.campaign.phase)

    @on_event(mailer.MailingProgressed)
    def on_mailing_progressed(self, session: Session, event: mailer.MailingProgressed) -> None:
        """Mails that were sent are contacts."""
        contact_events.note_mails(session, event)

    @on_event(mailer.RecipientUnsubscribed)
    def on_recipient_unsubscribed(
        self, session: Session, event: mailer.RecipientUnsubscribed
    ) -> None:
        """No more marketing mail, from anywhere."""
        contact_events.stop_mail(session, event)
        announcements.announce_contact_states(session, [event.customer_id])

    @on_event(telemarketing.PeopleMoved)
    def on_people_moved(self, session: Session, event: telemarketing.PeopleMoved) -> None:
        """Advisors see the people on their lists."""
        reach.follow_list(session, event)

    @on_event(telemarketing.CallRecorded)
    def on_call_recorded(self, session: Session, event: telemarketing.CallRecorded) -> None:
        """A call is a contact, lets its advisor see the person, and may end all calls."""
        reach.follow_call(session, event)
        if contact_events.note_call(session, event):
            announcements.announce_contact_states(session, [event.customer_id])

    @on_event(telemarketing.RiskChecked)
    def on_risk_checked(self, session: Session, event: telemarketing.RiskChecked) -> None:
        """Who looked at a person's risk stands on the time line."""
        contact_events.note_risk_check(session, event)

    @on_event(risk_central.RisksChanged)
    def on_risks_changed(self, session: Session, event: risk_central.RisksChanged) -> None:
        """For segments by risk."""
        contact_events.set_risk_categories(session, event)
