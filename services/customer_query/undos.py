"""Taking back what an import did, a batch a transaction.

Who was created and is as the import left them is removed, here and by `CustomersErased` in every
room. Who was updated gets the earlier value of each column that still is as the import left it.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, exists, select, text
from sqlalchemy.orm import Session

from services.customer_query import announcements, import_rows, profiles
from services.customer_query.imports import ledger
from services.customer_query.models import Import, ImportBirth, ImportChange
from shared import clock, notices, outbox
from shared.contracts.loads import LoadState
from shared.errors import Conflict

TASK = "customer_query.undo_import"
BATCH = 1000
DAYS = 30  # for so long the earlier values of people are kept


def begin(session: Session, job: Import, by: str) -> None:
    """Hand the undoing over; a second time changes nothing. Raises Conflict."""
    if job.undo_state not in (None, LoadState.FAILED):
        return
    if job.finished_at is None:
        raise Conflict("La importación sigue en curso. Cancélela o espere a que termine.")
    if job.dry_run or not job.created + job.updated:
        raise Conflict("Esta importación no guardó nada: no hay nada que deshacer.")
    if not _is_noted(session, job):
        raise Conflict(f"Una importación se puede deshacer durante {DAYS} días.")
    job.undo_state, job.undone_by = LoadState.WAITING, by
    outbox.add_job(session, TASK, job.id, bulk=True)


def _is_noted(session: Session, job: Import) -> bool:
    noted = [
        exists().where(table.import_id == job.id).select() for table in (ImportChange, ImportBirth)
    ]
    return any(session.execute(query).scalar() for query in noted)


def run(import_id: int) -> None:
    """Undo batch after batch; what is done is no longer noted, so nothing is undone twice."""
    while _undo_batch(import_id):
        pass


def fail(_reason: str, import_id: int) -> None:
    """What was undone stays undone; asked again, it goes on."""
    with ledger.begin(import_id) as (session, job):
        if job.undo_state != LoadState.DONE:
            job.undo_state = LoadState.FAILED
            _tell(session, job, "No se terminó de deshacer")


def _undo_batch(import_id: int) -> bool:
    with ledger.begin(import_id) as (session, job):
        if job.undo_state not in (LoadState.WAITING, LoadState.RUNNING):
            return False
        job.undo_state = LoadState.RUNNING
        ledger.tell(session, job)
        if _restore_some(session, job) or _remove_some(session, job):
            return True
        job.undo_state = LoadState.DONE
        _tell(session, job, "Se deshizo")
        return False


def _tell(session: Session, job: Import, what: str) -> None:
    """Pages look again, and whoever asked for it is told."""
    ledger.tell(session, job)
    counts = f"Eliminados: {job.removed}, como antes: {job.restored}, sin deshacer: {job.kept}."
    notices.send(
        session,
        job.undone_by or job.created_by,
        f"undo:{job.id}:{job.undo_state}:{job.removed + job.restored}",
        f"{what} la importación de {job.file_name}",
        detail=counts,
        link=f"/clientes/importaciones/{job.id}",
    )


def _restore_some(session: Session, job: Import) -> bool:
    values = {"import_id": job.id, "batch": BATCH, "by": job.undone_by}
    session.execute(text(_LOCK), values)
    done = session.execute(text(_RESTORE), values).all()
    whole = sum(row.whole for row in done)
    job.restored += whole
    job.kept += len(done) - whole
    touched = [row.customer_id for row in done if profiles.CONTACT_FIELDS & set(row.columns)]
    announcements.announce_contact_states(session, touched)
    return bool(done)


def _remove_some(session: Session, job: Import) -> bool:
    birth = session.execute(
        select(ImportBirth).filter_by(import_id=job.id).order_by(ImportBirth.first_id).limit(1)
    ).scalar_one_or_none()
    if birth is None:
        return False
    values = {"ids": birth.customer_ids, "by": job.undone_by}
    removed: list[Row[Any]] = list(session.execute(text(_REMOVE), values))
    announcements.announce_erased(session, [row.id for row in removed])
    job.removed += len(removed)
    job.kept += len(birth.customer_ids) - len(removed)
    session.delete(birth)
    return True


def forget_old(session: Session) -> None:
    """Earlier values of people are not kept for longer than they can be of use."""
    limit = clock.now() - timedelta(days=DAYS)
    old = select(Import.id).where(Import.finished_at < limit)
    for table in (ImportChange, ImportBirth):
        session.execute(delete(table).where(table.import_id.in_(old)))


HOW = "importación deshecha"
_COLUMNS = import_rows.changeable(import_rows.given(f.name for f in import_rows.FIELDS))
# Whoever is here now is as the import left them, and nothing has been done with them.
_UNTOUCHED = """
    c.updated_at = c.created_at AND c.erased_at IS NULL AND c.last_contact_at IS NULL
    AND NOT EXISTS (SELECT FROM contact x WHERE x.customer_id = c.id)
    AND NOT EXISTS (SELECT FROM timeline_entry x WHERE x.customer_id = c.id)
    AND NOT EXISTS (SELECT FROM campaign_member x WHERE x.customer_id = c.id)
    AND NOT EXISTS (SELECT FROM held_service x WHERE x.customer_id = c.id)
    AND NOT EXISTS (SELECT FROM consent x WHERE x.customer_id = c.id AND x.how <> 'importación')
"""
# Nobody changes them between the look at what they are and the change.
_LOCK = """
    SELECT FROM customer WHERE id IN (
        SELECT customer_id FROM import_change WHERE import_id = :import_id
        ORDER BY customer_id LIMIT :batch)
    ORDER BY id FOR UPDATE
"""
_REMOVE = f"""
    WITH gone AS (
        DELETE FROM customer c WHERE c.id = ANY(:ids) AND {_UNTOUCHED}
        RETURNING c.id, c.consent_mail, c.consent_phone
    ), told AS (
        INSERT INTO consent (customer_id, channel, given, how, by)
        SELECT id, channel, false, '{HOW}', :by FROM gone
        CROSS JOIN LATERAL (VALUES ('mail', consent_mail), ('phone', consent_phone))
            AS given (channel, yes)
        WHERE yes
    )
    SELECT id FROM gone
"""  # noqa: S608  # names of ours
_RESTORE = f"""
    WITH noted AS (
        DELETE FROM import_change WHERE import_id = :import_id AND customer_id IN (
            SELECT customer_id FROM import_change WHERE import_id = :import_id
            ORDER BY customer_id LIMIT :batch)
        RETURNING customer_id, before, after
    ), back AS (
        SELECT n.customer_id, c AS was, n.before,
            coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(n.before)
                WHERE to_jsonb(c) -> key IS NOT DISTINCT FROM n.after -> key), '{{}}') AS values
        FROM noted n LEFT JOIN customer c ON c.id = n.customer_id AND c.erased_at IS NULL
    ), restored AS (
        UPDATE customer c SET {", ".join(f"{name} = r.{name}" for name in _COLUMNS)},
            updated_at = now(), version = c.version + 1,
            changed_by = 'Una importación deshecha', changed_at = now()
        FROM back b CROSS JOIN LATERAL jsonb_populate_record(b.was, b.values) r
        WHERE c.id = b.customer_id AND b.values <> '{{}}'
        RETURNING c.id
    ), told AS (
        INSERT INTO consent (customer_id, channel, given, how, by)
        SELECT b.customer_id, channel, (b.values ->> ('consent_' || channel))::boolean, '{HOW}', :by
        FROM back b CROSS JOIN LATERAL (VALUES ('mail'), ('phone')) AS either (channel)
        WHERE b.values ? ('consent_' || channel)
    )
    SELECT b.customer_id, b.values = b.before AS whole,
        ARRAY(SELECT jsonb_object_keys(b.values)) AS columns
    FROM back b
"""  # noqa: S608  # names of ours
