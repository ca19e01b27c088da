"""The monthly run: its schedule, and beginning a month's runs once each."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import designs, mailings
from services.mailer.models import Design, MonthlySchedule
from shared import clock, edits
from shared.contracts import mailer as contract
from shared.contracts.campaign import CampaignBrief, Phase
from shared.contracts.customer_query import Channel

DEFAULT = contract.MonthlySchedule(day=1, hour=9, campaign_ids=[], version=1)
_ROW = 1
SCHEDULER = "programación mensual"  # who began a run that nobody asked for


def local_now() -> datetime:
    """The present moment on the clocks by which the schedule is meant."""
    return clock.now().astimezone(clock.GUAYAQUIL)


def get_schedule(session: Session) -> contract.MonthlySchedule:
    """As it was set, or the default."""
    row = session.get(MonthlySchedule, _ROW)
    if row is None:
        return DEFAULT
    return contract.MonthlySchedule(
        day=row.day,
        hour=row.hour,
        campaign_ids=row.campaign_ids,
        error=row.error,
        version=row.version,
    )


def set_schedule(session: Session, schedule: contract.MonthlySchedule) -> None:
    """Replace the schedule. Raises Conflict when it was changed after its version."""
    first = insert(MonthlySchedule).values(id=_ROW, **DEFAULT.model_dump())
    session.execute(first.on_conflict_do_nothing())  # then there is a row to lock
    row = session.get_one(MonthlySchedule, _ROW, with_for_update=True, populate_existing=True)
    edits.refuse_stale(schedule.version, row, thing="la programación mensual", again="abrirla")
    row.day, row.hour = schedule.day, schedule.hour
    row.campaign_ids, row.error = sorted(set(schedule.campaign_ids)), None
    row.version += 1
    for name, value in edits.mark().items():
        setattr(row, name, value)
    session.flush()


def set_error(session: Session, error: str | None) -> None:
    """Say on the schedule's page why it could not begin by the clock; None once it did."""
    session.execute(update(MonthlySchedule).values(error=error))


def start_month(
    session: Session,
    month: str,
    campaigns: list[CampaignBrief],
    by: str,
    *,
    anew: bool = False,
) -> list[contract.MonthlyOutcome]:
    """A run of the month for each campaign that mails and executes, unless it has one already.

    Two calls at once: the second waits on the unique key (campaign, month) and finds the first's.
    With `anew`, which a person asks for, a run that could not be prepared begins once more.
    """
    return [
        _start(session, month, campaign, design, by, anew=anew)
        for campaign in campaigns
        if (design := _find_design(session, campaign)) is not None
    ]


def _find_design(session: Session, campaign: CampaignBrief) -> Design | None:
    """The design to send; None when the campaign takes no part in the monthly run."""
    mails = campaign.phase is Phase.EXECUTING and Channel.MAIL in campaign.channels
    if not mails or campaign.design_id is None:
        return None
    return designs.find_design(session, campaign.design_id)


def _start(
    session: Session, month: str, campaign: CampaignBrief, design: Design, by: str, *, anew: bool
) -> contract.MonthlyOutcome:
    values = {
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "kind": contract.MailingKind.MONTHLY,
        "month": month,
        "design_id": design.id,
        "design_name": design.name,
        "subject": campaign.mail_subject or design.subject,
        "created_by": by,
    }
    mailing = mailings.insert_mailing(session, values)
    started = mailing is not None
    mailing = mailing or mailings.find_month_run(session, campaign.campaign_id, month)
    if anew and mailing.state == contract.MailingState.FAILED:
        mailings.prepare_anew(session, mailing)
        started = True
    return contract.MonthlyOutcome(
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        mailing_id=mailing.id,
        started=started,
    )
