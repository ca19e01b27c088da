"""All that is held on a person, from every room that holds some of it."""

from services.gateway.asking import Asker
from shared.contracts.audit import AuditEntry, AuditPermission, list_viewers
from shared.contracts.customer_query import PersonalData, get_personal_data
from shared.contracts.identity import Session

_PAGE, _MOST = 200, 1000


class PersonalRecord(PersonalData):
    """Everything held on a person, with who saw it, for the person's own request."""

    viewers: list[AuditEntry] | None  # newest first, a thousand at most; None: not for this user


async def find_record(ask: Asker, session: Session, customer_id: int) -> PersonalRecord:
    """A person's record. Raises NotFound."""
    held = await ask(get_personal_data, customer_id)
    allowed = AuditPermission.READ_PERSON in session.permissions
    viewers = await _viewers(ask, customer_id) if allowed else None
    return PersonalRecord(**vars(held), viewers=viewers)


async def _viewers(ask: Asker, customer_id: int) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    after: str | None = None
    while len(found) < _MOST:
        page = await ask(list_viewers, customer_id, after=after, limit=_PAGE)
        found += page.items
        after = page.next
        if after is None:
            break
    return found
