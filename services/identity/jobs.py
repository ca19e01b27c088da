"""identity's jobs."""

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.identity import audit, notices, password_links, second_factor, verify_audit
from shared import clock, jobs, log
from shared import notices as bell
from shared.db import sessions
from shared.permissions import Role
from shared.settings import settings

ROOM = "identity"
SCHEDULE = {
    "identity.forget_notices": {
        "task": "identity.forget_notices",
        "schedule": crontab(hour="2", minute="30"),
    },
    "identity.keep_audit": {
        "task": "identity.keep_audit",
        "schedule": crontab(hour="3", minute="10"),
    },
    "identity.renew_seals": {
        "task": "identity.renew_seals",
        "schedule": crontab(hour="3", minute="40"),
    },
}
_BROKEN = "El registro de actividades fue alterado"
_TOLD = 5  # faults in a notice
logger = log.get(__name__)


@jobs.job("identity.forget_notices")
def forget_notices() -> None:
    """Drop old notices."""
    with sessions(ROOM).begin() as session:
        notices.forget_old(session)


@jobs.job("identity.renew_seals")
def renew_seals() -> None:
    """Seal second factors with the present secret key, so that former ones can be dropped."""
    with sessions(ROOM).begin() as session:
        if renewed := second_factor.renew_seals(session):
            logger.info("second factors sealed anew", count=renewed)


@jobs.job("identity.send_reset_link")
def send_reset_link(user_id: int, seed: str) -> None:
    """Have the link sent that somebody asked for; for no user's id nothing is done, as soon."""
    with sessions(ROOM).begin() as session:
        password_links.send_reset(session, user_id, seed)


@jobs.job("identity.keep_audit")
def keep_audit() -> None:
    """Check and seal the days that are over, make the months to come, remove those of long ago.

    A seal is logged: what stands outside of the database tells whether all of it was made anew.
    """
    today = clock.today()
    with sessions(ROOM).begin() as session:
        sealed = audit.seal_days(session, today)
    with sessions(ROOM).begin() as session:
        for day in audit.all_days(session):
            if day["day"] in sealed:
                logger.info("audit sealed", day=str(day["day"]), seal=day["seal"])
                _tell(session, list(verify_audit.check(session, day)))
    with sessions(ROOM).begin() as session:
        audit.make_months(session, today)
        audit.remove_months(session, today, settings().audit_months)


def _tell(session: Session, faults: list[str]) -> None:
    for fault in faults:
        logger.error("audit broken", fault=fault)
    if faults:
        detail = "; ".join(faults[:_TOLD])
        bell.send(session, Role.ADMIN, f"audit:{faults[0]}", _BROKEN, detail=detail)
