"""Making a complete call list the campaign's, some 20,000 people at a time, in their order.

Each part is a transaction that ends with how far the merge is, so one that was killed goes on.
The campaign's row is locked by none of them. Merges of one campaign follow each other by the locks
on its lists; `contact_state` stands still during a part, so nobody's wish falls in between.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.telemarketing import call_lists, campaigns
from services.telemarketing.models import CallList
from shared import clock
from shared.contracts import campaign as contract
from shared.contracts.telemarketing import CallListState

PART = 20_000  # people a transaction: about half a second in which their rows are held
ALL = 2**63 - 1  # beyond every customer: nothing is left to merge


def begin(session: Session, transfer_id: UUID) -> bool:
    """Whether the list is to be merged: not when it has ended or a newer one has begun."""
    found = _lock(session, transfer_id)
    if found is not None:
        found.state = CallListState.MERGING
    return found is not None


def _lock(session: Session, transfer_id: UUID) -> CallList | None:
    """The list, with all of its campaign locked so that their parts do not mix; None once it has
    ended."""
    asked = session.get_one(CallList, transfer_id)
    query = (
        select(CallList)
        .filter_by(campaign_id=asked.campaign_id)
        .order_by(CallList.number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    lists = session.execute(query).scalars().all()
    if asked.state not in call_lists.ON_ITS_WAY:
        return None
    if any(_has_begun(other) for other in lists if other.number > asked.number):
        call_lists.end(session, asked, CallListState.SUPERSEDED)
        return None
    return asked


def _has_begun(call_list: CallList) -> bool:
    return call_list.state in {CallListState.MERGING, CallListState.DONE}


def analyse(session: Session) -> None:
    """A list that the planner has never heard of would be joined row by row."""
    for table in ("call_list_row", "call_target", "contact_state"):
        session.execute(select(func.take_statistics(table)))


def merge_part(session: Session, transfer_id: UUID) -> bool:
    """Merge the next people; whether there are more.

    Known people get their new data and keep advisor, results and agreed calls. Who is no longer
    in the audience goes, unless somebody has, or has called, that person.
    """
    found = _lock(session, transfer_id)
    if found is None or found.merged_through == ALL:
        return False
    session.execute(text("LOCK TABLE contact_state IN SHARE MODE"))
    values: dict[str, Any] = {
        "transfer_id": transfer_id,
        "campaign_id": found.campaign_id,
        "after": found.merged_through,
    }
    through = _find_end(session, values)
    for statement in (_INSERT, _UPDATE, _REMOVE):
        session.execute(text(statement), values | {"through": through})
    found.merged_through = through
    return through != ALL


def _find_end(session: Session, values: dict[str, Any]) -> int:
    """The customer up to whom a part goes: neither list nor targets have more than `PART`."""
    end = session.execute(text(_END), values | {"before_last": PART - 1}).scalar_one()
    return ALL if end is None else int(end)


def finish(session: Session, transfer_id: UUID) -> None:
    """The list is all merged: assignments may begin. Only now the campaign is locked."""
    found = _lock(session, transfer_id)
    if found is not None and found.merged_through == ALL:
        call_lists.end(session, found, CallListState.DONE)
        call_lists.supersede_older(session, found)
        campaigns.get_campaign(session, found.campaign_id, lock=True).listed_at = clock.now()


_PART = "{0}.customer_id > :after AND {0}.customer_id <= :through"
_END = """
    SELECT least(
        (SELECT customer_id FROM call_list_row
         WHERE transfer_id = :transfer_id AND customer_id > :after
         ORDER BY customer_id OFFSET :before_last LIMIT 1),
        (SELECT customer_id FROM call_target
         WHERE campaign_id = :campaign_id AND customer_id > :after
         ORDER BY customer_id OFFSET :before_last LIMIT 1)
    )
"""
_DATA = tuple(
    name
    for name in contract.CALL_LIST_COLUMNS[3:]
    if name not in {"phone", "held", "contact_version"}
)
_COLUMNS = ", ".join((*_DATA, "phone", "held", "contact_version"))
# The rows of the list, each with what was heard of the person since it was made.
_NEWS = f"""
    SELECT r.campaign_id, r.customer_id, {", ".join(f"r.{name}" for name in _DATA)},
        CASE WHEN s.version > coalesce(r.contact_version, 0) THEN s.phone ELSE r.phone END
            AS phone,
        CASE WHEN s.refused THEN 'do_not_contact'
             WHEN s.version > coalesce(r.contact_version, 0) THEN s.held ELSE r.held END AS held,
        greatest(r.contact_version, s.version, 0) AS contact_version
    FROM call_list_row r LEFT JOIN contact_state s ON s.customer_id = r.customer_id
    WHERE r.transfer_id = :transfer_id AND {_PART.format("r")} AND s.erased IS NOT TRUE
"""  # noqa: S608  # names of ours
_INSERT = f"""
    INSERT INTO call_target (campaign_id, customer_id, {_COLUMNS})
    SELECT n.campaign_id, n.customer_id, {", ".join(f"n.{name}" for name in _COLUMNS.split(", "))}
    FROM ({_NEWS}) n
    WHERE NOT EXISTS (
        SELECT FROM call_target t
        WHERE t.campaign_id = :campaign_id AND t.customer_id = n.customer_id
    )
    ORDER BY n.customer_id
"""  # noqa: S608  # names of ours
_MERGED = {
    **{name: f"n.{name}" for name in _DATA},
    **{
        name: f"CASE WHEN n.contact_version >= t.contact_version THEN n.{name} ELSE t.{name} END"
        for name in ("phone", "held")
    },
    "contact_version": "greatest(n.contact_version, t.contact_version)",
}
# Locked by customer, as `take_back` does: two that locked in different orders would wait for each
# other.
_UPDATE = f"""
    WITH changed AS (
        SELECT n.* FROM call_target t JOIN ({_NEWS}) n ON n.customer_id = t.customer_id
        WHERE t.campaign_id = :campaign_id AND {_PART.format("t")}
            AND ({", ".join(f"t.{name}" for name in _MERGED)})
                IS DISTINCT FROM ({", ".join(_MERGED.values())})
        ORDER BY t.customer_id FOR UPDATE OF t
    )
    UPDATE call_target t SET {", ".join(f"{name} = {new}" for name, new in _MERGED.items())}
    FROM changed n WHERE t.campaign_id = :campaign_id AND t.customer_id = n.customer_id
"""  # noqa: S608  # names of ours
_REMOVE = f"""
    DELETE FROM call_target t
    WHERE t.campaign_id = :campaign_id AND {_PART.format("t")}
        AND t.advisor IS NULL AND t.attempts = 0
        AND NOT EXISTS (
            SELECT FROM call_list_row r
            WHERE r.transfer_id = :transfer_id AND r.customer_id = t.customer_id
        )
"""  # noqa: S608  # names of ours
