"""Mailing runs over REST."""

from services.gateway.asking import Ask
from services.gateway.routing import Api
from shared.contract import Id, Limit, Model, Page
from shared.contracts.identity import Permission
from shared.contracts.mailer import (
    Mailing,
    MonthlyOutcome,
    MonthlySchedule,
    NewMailing,
    Recipient,
    RecipientState,
    cancel_mailing,
    create_mailing,
    get_mailing,
    get_monthly_schedule,
    list_mailings,
    list_recipients,
    pause_mailing,
    resume_mailing,
    retry_mailing,
    run_monthly,
    set_monthly_schedule,
)
from shared.contracts.mailer import Month as MonthText

api = Api("mailings")


class Month(Model):
    """Which month to run; null is the present one."""

    month: MonthText | None = None


class Retry(Model):
    """Whether to send also to those who may have got it already."""

    include_doubtful: bool = False


@api.get("/mailings", allow=Permission.MAIL_READ)
async def show_mailings(
    ask: Ask, campaign_id: int | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Mailing]:
    """Runs, newest first."""
    return await ask(list_mailings, campaign_id=campaign_id, after=after, limit=limit)


@api.post("/mailings", allow=Permission.MAIL_SEND, status_code=202)
async def add_mailing(new: NewMailing, ask: Ask) -> Mailing:
    """Begin a run now or at a time, to a campaign or to some of its people."""
    return await ask(create_mailing, new)


@api.post("/mailings/monthly", allow=Permission.MAIL_SEND)
async def run_month(ask: Ask, which: Month | None = None) -> list[MonthlyOutcome]:
    """Begin the month's runs of the selected campaigns, each only once."""
    return await ask(run_monthly, which.month if which else None)


@api.get("/mailings/monthly/schedule", allow=Permission.MAIL_READ)
async def show_schedule(ask: Ask) -> MonthlySchedule:
    """When the monthly run goes out, and for which campaigns."""
    return await ask(get_monthly_schedule)


@api.put("/mailings/monthly/schedule", allow=Permission.MAIL_SEND)
async def change_schedule(schedule: MonthlySchedule, ask: Ask) -> MonthlySchedule:
    """Replace the schedule."""
    return await ask(set_monthly_schedule, schedule)


@api.get("/mailings/{mailing_id}", allow=Permission.MAIL_READ)
async def show_mailing(mailing_id: Id, ask: Ask) -> Mailing:
    """A run; target = pending + sending + sent + failed + all skipped + doubtful
    + cancelled."""
    return await ask(get_mailing, mailing_id)


@api.post("/mailings/{mailing_id}/pause", allow=Permission.MAIL_SEND)
async def pause(mailing_id: Id, ask: Ask) -> Mailing:
    """Stop for now, within two seconds."""
    return await ask(pause_mailing, mailing_id)


@api.post("/mailings/{mailing_id}/resume", allow=Permission.MAIL_SEND)
async def resume(mailing_id: Id, ask: Ask) -> Mailing:
    """Go on."""
    return await ask(resume_mailing, mailing_id)


@api.post("/mailings/{mailing_id}/cancel", allow=Permission.MAIL_SEND)
async def cancel(mailing_id: Id, ask: Ask) -> Mailing:
    """Stop for good; what is pending becomes cancelled."""
    return await ask(cancel_mailing, mailing_id)


@api.post("/mailings/{mailing_id}/retry", allow=Permission.MAIL_SEND)
async def retry(mailing_id: Id, ask: Ask, what: Retry | None = None) -> Mailing:
    """Send again to the failed of an ended run; prepare one anew that could not be prepared."""
    include_doubtful = what.include_doubtful if what else False
    return await ask(retry_mailing, mailing_id, include_doubtful=include_doubtful)


@api.get("/mailings/{mailing_id}/recipients", allow=Permission.MAIL_READ)
async def show_recipients(
    mailing_id: Id,
    ask: Ask,
    state: RecipientState | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Recipient]:
    """The ledger by customer, in one state or in all."""
    return await ask(list_recipients, mailing_id, state=state, after=after, limit=limit)
