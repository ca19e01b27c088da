"""What mailer hears of the other rooms."""

from sqlalchemy.orm import Session

from services.mailer import (
    campaigns,
    contacts,
    letters,
    mailings,
)
from shared.contracts import campaign, customer_query, telemarketing
from shared.contracts.mailer import MailingState
from shared.events import on_event
from shared.room import Room

TEST_EMAIL = "usted@prueba"


class News(Room):
    """What other rooms tell mailer."""

    @on_event(campaign.CampaignChanged)
    def on_campaign_changed(self, session: Session, event: campaign.CampaignChanged) -> None:
        """Its runs pause and go on with it; one that closes or ends cancels them.

        The runs are looked at once the phase is kept: whoever starts one reads it after locking it.
        """
        if campaigns.follow_campaign(session, event):
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
        contacts.keep_states(session, event.customers)

    @on_event(customer_query.CustomersErased)
    def on_customers_erased(self, session: Session, event: customer_query.CustomersErased) -> None:
        """Forget who they were."""
        contacts.erase(session, event.customer_ids)
        letters.erase(session, event.customer_ids)

    @on_event(telemarketing.CallRecorded)
    def on_call_recorded(self, session: Session, event: telemarketing.CallRecorded) -> None:
        """A call that reached somebody counts for the cap."""
        if event.contacted:
            contacts.insert_contact(session, event.customer_id, event.at)
