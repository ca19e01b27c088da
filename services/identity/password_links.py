"""Links by mail to choose a password: one at a time for a user, good once and not for long.

What is kept opens nothing (`shared.mail_links`): neither here nor on its way is there a link before
the mailer composes the mail. The user's row is locked before that of a link, here and elsewhere.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identity import store
from services.identity.models import PasswordLink, User
from services.identity.store import IS_OPEN
from shared import audit, clock, letters, mail_links, trace
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.identity import LinkPurpose, LinkState, UserState
from shared.contracts.mailer import Addressee, LetterTemplate
from shared.ecuador.dates import format_datetime
from shared.errors import NotFound
from shared.settings import settings

GONE = frozenset({UserState.INACTIVE, UserState.ENDED})  # who chooses no password any more
NOBODY = 0  # no user's id
LETTERS_AN_HOUR = 3  # of a user: whoever asks for them fills nobody's mailbox
_TEMPLATES = {
    LinkPurpose.INVITATION: LetterTemplate.PASSWORD_INVITATION,
    LinkPurpose.RESET: LetterTemplate.PASSWORD_RESET,
}
_REFERENCE = "password_link:"


class ChangedBy:
    """How a letter tells by whom a password was changed."""

    ONESELF = "usted, en «Mi cuenta»"
    ADMINISTRATOR = "un administrador"
    LINK = "quien abrió el enlace que enviamos a este correo"


def invite(session: Session, user: User) -> None:
    """Send the link to a first password, in the name of whoever asks."""
    actor = trace.find_actor()
    send(session, user, LinkPurpose.INVITATION, asked_by=actor.full_name if actor else "")


def send_reset(session: Session, user_id: int, seed: str) -> None:
    """What the job does: nothing for nobody, for who may not come, and after three in an hour."""
    user = store.find_user_locked(session, user_id)
    if user is None or not user.email or user.state in GONE:
        return
    if not has_enough(session, user.id):
        send(session, user, LinkPurpose.RESET, seed=seed)


def send(
    session: Session, user: User, purpose: LinkPurpose, *, asked_by: str = "", seed: str = ""
) -> None:
    """Have the mailer send a link, when this transaction commits; earlier ones end.

    The user's row is locked and has an address. Asked again with the same seed it was sent already.
    """
    seed = seed or mail_links.make_seed()
    address = user.email or ""
    row = insert(PasswordLink).values(
        user_id=user.id,
        purpose=purpose,
        seed=seed,
        hash=mail_links.fingerprint(mail_links.word(seed, address)),
        asked_at=clock.now(),
        asked_by=asked_by,
        expires_at=clock.now() + lifetime(purpose),
    )
    added = row.on_conflict_do_nothing(index_elements=["seed"]).returning(PasswordLink.id)
    if (link_id := session.execute(added).scalar_one_or_none()) is None:
        return
    store.void_links(session, user.id, but=link_id)
    letters.send(
        session,
        _TEMPLATES[purpose],
        to=Addressee(full_name=user.full_name, email=address),
        fields={mail_links.FIELD: seed, "lasts": say(lifetime(purpose))},
        reference=f"{_REFERENCE}{seed}",  # unlike an id new for ever, also in a new database
    )
    audit.record(session, AuditAction.LINK_SENT, AuditKind.USER, user.username)


def find(session: Session, word: str) -> PasswordLink | None:
    """The link of a word, whatever became of it."""
    wanted = mail_links.fingerprint(word)
    return session.execute(select(PasswordLink).filter_by(hash=wanted)).scalar_one_or_none()


def is_good(link: PasswordLink, now: datetime) -> bool:
    """Whether it opens the form; what it opens in the end is decided by `use`."""
    return link.used_at is None and link.voided_at is None and now < link.expires_at


def use(session: Session, link_id: int) -> bool:
    """Use it up, in one statement; False when it was used, ended or too old. The user is locked."""
    now = clock.now()
    good = update(PasswordLink).where(PasswordLink.id == link_id, IS_OPEN)
    used = good.where(PasswordLink.expires_at > now).values(used_at=now)
    return session.execute(used.returning(PasswordLink.id)).scalar_one_or_none() is not None


def has_enough(session: Session, user_id: int) -> bool:
    """Whether the user was sent as many links to a new password as there are in an hour."""
    since = clock.now() - timedelta(hours=1)
    recent = select(func.count()).where(
        PasswordLink.user_id == user_id,
        PasswordLink.purpose == LinkPurpose.RESET,
        PasswordLink.asked_at > since,
    )
    return session.execute(recent).scalar_one() >= LETTERS_AN_HOUR


def note_refused(session: Session, username: str, source: str) -> None:
    """Somebody tried a link of this user that is good no more."""
    what = (AuditAction.LINK_REFUSED, AuditKind.USER, username)
    audit.record(session, *what, source=source)


def find_last(session: Session, user_id: int) -> contract.PasswordLink | None:
    """The user's last one."""
    theirs = select(PasswordLink).filter_by(user_id=user_id)
    last = theirs.order_by(PasswordLink.asked_at.desc(), PasswordLink.id.desc()).limit(1)
    link = session.execute(last).scalar_one_or_none()
    return to_contract(link) if link is not None else None


def get_last(session: Session, user_id: int) -> contract.PasswordLink:
    """The same of who has one. Raises NotFound."""
    if (last := find_last(session, user_id)) is None:
        raise NotFound("A este usuario no se le ha enviado ningún enlace.")
    return last


def note_letter(session: Session, reference: str, failure: str, at: datetime | None) -> None:
    """What became of a letter, by its reference; the link's time begins when it went out."""
    theirs = update(PasswordLink).where(PasswordLink.seed == reference.removeprefix(_REFERENCE))
    if at is None:
        session.execute(theirs.values(failure=failure))
        return
    session.execute(theirs.values(sent_at=at, failure=""))
    for purpose in LinkPurpose:
        late = theirs.where(IS_OPEN, PasswordLink.purpose == purpose)
        session.execute(late.values(expires_at=at + lifetime(purpose)))


def tell_changed(session: Session, user: User, way: str) -> None:
    """Tell a user by mail that the password was changed, at the address there was before that."""
    if not user.email:
        return
    letters.send(
        session,
        LetterTemplate.PASSWORD_CHANGED,
        to=Addressee(full_name=user.full_name, email=user.email),
        fields={"changed_at": format_datetime(clock.now()), "way": way},
        reference=f"password_changed:{uuid4()}",
    )


def lifetime(purpose: LinkPurpose) -> timedelta:
    """How long a link is good."""
    if purpose is LinkPurpose.INVITATION:
        return timedelta(hours=settings().invitation_hours)
    return timedelta(minutes=settings().reset_minutes)


def say(time: timedelta) -> str:
    """In Spanish: `"30 minutos"`, `"72 horas"`."""
    minutes = int(time.total_seconds() // 60)
    if minutes % 60:
        return f"{minutes} minutos"
    return "1 hora" if minutes == 60 else f"{minutes // 60} horas"


def to_contract(link: PasswordLink) -> contract.PasswordLink:
    """As a page shows it."""
    return contract.PasswordLink(
        purpose=link.purpose,
        state=_state(link, clock.now()),
        asked_at=link.asked_at,
        asked_by=link.asked_by,
        sent_at=link.sent_at,
        expires_at=link.expires_at,
        used_at=link.used_at,
        failure=link.failure,
    )


def _state(link: PasswordLink, now: datetime) -> LinkState:
    if link.used_at is not None:
        return LinkState.USED
    if link.voided_at is not None:
        return LinkState.VOID
    if link.failure:
        return LinkState.FAILED
    if link.expires_at <= now:
        return LinkState.EXPIRED
    return LinkState.SENT if link.sent_at is not None else LinkState.WAITING
