"""risk_central's loads in its database."""

from contextlib import suppress

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from services.risk_central.models import Load, LoadMapping, LoadReject
from shared.contracts.loads import LoadState, PreviewRow
from shared.contracts.risk_central import LoadMoved, NewLoad
from shared.ecuador.cedula import normalise_cedula
from shared.loads.ledger import Ledger
from shared.loads.load import REPEATED
from shared.personal import NOTHING, mask_reason

TASK = "risk_central.load_file"

ledger = Ledger(
    "risk_central",
    Load,
    LoadReject,
    LoadMapping,
    moved=lambda load_id: LoadMoved(load_id=load_id),
    page="/central-de-riesgos/cargas",
)


def insert_load(session: Session, new: NewLoad, created_by: str) -> Load:
    """A new load, waiting for a worker."""
    return ledger.insert(session, created_by, **new.model_dump())


def allow(load: Load, *, removes_most: bool | None) -> None:
    """Say anew whether a full load may remove more than half; None: as before."""
    load.removes_most = load.removes_most if removes_most is None else removes_most


def begin_again(session: Session, load: Load, created_by: str) -> Load:
    """Go on with a load that failed, or begin what was only tried. Raises Conflict."""
    if load.state == LoadState.DONE and load.dry_run:
        asked = ("file_key", "file_name", "full", "removes_most")
        new = NewLoad(**{name: getattr(load, name) for name in asked})
        return insert_load(session, new, created_by)
    _go_on(session, load)
    return load


def _go_on(session: Session, load: Load) -> None:
    """A full load from its beginning, whatever came between."""
    ledger.wait_again(load)
    if load.full:
        load.read = load.created = load.updated = load.unchanged = load.rejected = 0
        session.execute(delete(LoadReject).filter_by(load_id=load.id))


def is_behind_another(session: Session, load_id: int) -> bool:
    """Whether a full load is under way: what came between would be lost at its end."""
    other = exists().where(
        Load.id != load_id,
        (Load.id < load_id) | (Load.read > 0),
        Load.full,
        ~Load.dry_run,
        Load.finished_at.is_(None),
        Load.state != LoadState.HELD,
    )
    return bool(session.execute(select(other)).scalar())


def rejected_cedulas(session: Session, load: Load) -> list[str]:
    """Whose row was rejected, as far as it says whose it is; each once."""
    at = load.columns.index(load.mapping["cedula"])
    found: dict[str, None] = {}
    rows = select(LoadReject.values).filter_by(load_id=load.id)
    rows = rows.where(~LoadReject.reason.endswith(REPEATED, autoescape=True))
    for values in session.execute(rows.execution_options(yield_per=1000)).scalars():
        with suppress(ValueError, IndexError):
            found[normalise_cedula(values[at])] = None
    return list(found)


def shown(load: Load, username: str) -> list[PreviewRow]:
    """The first rows of a held file: whole for who brought it, for others without any value."""
    rows = [PreviewRow.model_validate(row) for row in load.preview or []]
    return rows if username == load.created_by else [_masked(row) for row in rows]


def _masked(row: PreviewRow) -> PreviewRow:
    hidden = {name: NOTHING for name, value in row.values.items() if value}
    reason = mask_reason(row.reason) if row.reason else None
    return row.model_copy(update={"values": row.values | hidden, "reason": reason})
