"""What telemarketing hears of the other rooms."""

from sqlalchemy.orm import Session

from services.telemarketing import (
    assignments,
    call_lists,
    calls,
    campaigns,
    contacts,
    risks,
)
from services.telemarketing.models import Campaign
from shared.contracts import campaign, customer_query, mailer
from shared.events import on_event
from shared.room import Room


class News(Room):
    """What other rooms tell telemarketing."""

    @on_event(campaign.CampaignChanged)
    def on_campaign_changed(self, session: Session, event: campaign.CampaignChanged) -> None:
        """Its phase decides whether it is called; a campaign new to the phone gets its list."""
        _want_call_list(session, campaigns.follow_campaign(session, event.campaign, event.version))

    @on_event(campaign.AudienceCompleted)
    def on_audience_completed(self, session: Session, event: campaign.AudienceCompleted) -> None:
        """A new audience is a new call list, where the campaign is called by phone."""
        found = campaigns.set_audience(session, event.campaign_id, event.audience_id, event.version)
        _want_call_list(session, found)

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


def _want_call_list(session: Session, found: Campaign) -> None:
    if call_lists.needs_call_list(found):
        call_lists.insert_call_list(session, found)
