"""The doors of mailer behind the link in each mail."""

from sqlalchemy.orm import Session

from services.mailer import (
    contacts,
    ledger,
    mailings,
    rules,
    tokens,
)
from shared import clock, outbox
from shared.contracts import mailer as contract
from shared.room import Room
from shared.rpc import command, query

TEST_EMAIL = "usted@prueba"


class SubscriptionDoors(Room):
    """What whoever has the link of a mail may see and do."""

    @query(contract.get_subscription)
    def get_subscription(self, session: Session, token: str) -> contract.Subscription:
        return _subscription(session, tokens.read(token))

    @command(contract.unsubscribe)
    def unsubscribe(self, session: Session, token: str) -> contract.Subscription:
        """Announced once (`RecipientUnsubscribed`), however often it is asked for."""
        link = tokens.read(token)
        if link.is_test:
            return _subscription(session, link)
        mailing = mailings.get_mailing(session, link.mailing_id)
        if contacts.set_unsubscribed(session, link.customer_id):
            event = contract.RecipientUnsubscribed(
                customer_id=link.customer_id,
                campaign_id=mailing.campaign_id,
                mailing_id=mailing.id,
                at=clock.now(),
            )
            outbox.add(session, event)
        return _subscription(session, link)


def _subscription(session: Session, link: tokens.Link) -> contract.Subscription:
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
