"""The doors of identity for links by mail: to a first password, and to another."""

from typing import NamedTuple

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import password_links, passwords, sessions, store, strength, tries
from services.identity.models import User
from services.identity.password_links import GONE, ChangedBy
from shared import audit, clock, mail_links, outbox
from shared.contract import Actor
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.mailer import LetterEnded, LetterTemplate, RecipientState
from shared.errors import Conflict, Invalid, NotFound
from shared.events import on_event
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query, rpc

DEAD = "El enlace ya se usó, venció o fue reemplazado por otro. Pida uno nuevo."
CHOSEN = "Este usuario ya tiene contraseña. Si la olvidó, puede pedir otra al ingresar."
BARRED = "Este usuario no puede ingresar. Actívelo o cambie su último día antes de invitarlo."
NO_MAIL = "Escriba y guarde primero el correo del usuario."
_OURS = frozenset({LetterTemplate.PASSWORD_INVITATION, LetterTemplate.PASSWORD_RESET})


class Opened(NamedTuple):
    """A link of ours, whether it is good at this moment, and whose it is."""

    link_id: int
    good: bool
    user_id: int
    holder: contract.LinkHolder


class PasswordLinkDoors(Room):
    """Whoever reads a user's mail may choose the password; a second factor is asked for then."""

    redis: Redis = RedisClient()

    @command(contract.ask_password_reset)
    def ask_password_reset(self, session: Session, who: str, source: str) -> None:
        """The same statements whether there is such a user; what differs is done by the job."""
        who = who.strip().lower()
        tries.count_letter(self.redis, who, source)
        user = store.find_addressee(session, who)
        what = (AuditAction.RESET_ASKED, AuditKind.USER if user else None)
        tried = {} if user else {"username_tried": who}
        name = user.username if user else ""
        audit.record(session, *what, name, after=tried, source=source)
        user_id = user.id if user else password_links.NOBODY
        outbox.add_job(session, "identity.send_reset_link", user_id, mail_links.make_seed())

    @query(contract.get_link_holder)
    def get_link_holder(self, session: Session, token: str) -> contract.LinkHolder:
        """Programs that look at mails open each link: nothing changes by it."""
        opened = _find(session, token)
        if opened is None or not opened.good:
            raise NotFound(DEAD)
        return opened.holder

    @rpc(contract.use_password_link)
    def use_password_link(self, token: str, password: str, source: str) -> contract.LinkHolder:
        """The password is hashed outside of any transaction; the link is used up in the last."""
        opened = self._open(token, source)
        strength.check(password, opened.holder.username, opened.holder.full_name)
        password_hash = passwords.make_hash(password)
        with self.db.begin() as session:
            used = _use(session, opened, password_hash, source)
        if not used:
            raise NotFound(DEAD)
        sessions.end_all(self.redis, opened.user_id)
        return opened.holder

    def _open(self, token: str, source: str) -> Opened:
        """Raises Denied after too many words that are none of ours; NotFound."""
        counted = tries.begin_link(self.redis, source)
        with self.db.begin() as session:
            opened = _find(session, token)
            if opened is not None and not opened.good:
                password_links.note_refused(session, opened.holder.username, source)
        if opened is None:
            raise NotFound(DEAD)
        tries.undo(self.redis, counted)
        if not opened.good:
            raise NotFound(DEAD)
        return opened

    @query(contract.get_password_link)
    def get_password_link(self, session: Session, user_id: int) -> contract.PasswordLink | None:
        return password_links.find_last(session, store.get_user(session, user_id).id)

    @command(contract.send_invitation)
    def send_invitation(self, session: Session, user_id: int) -> contract.PasswordLink:
        user = store.get_user(session, user_id, lock=True)
        if user.has_password:
            raise Conflict(CHOSEN)
        if user.state in GONE:
            raise Conflict(BARRED)
        if not user.email:
            raise Invalid.field("email", NO_MAIL)
        password_links.invite(session, user)
        return password_links.get_last(session, user_id)

    @on_event(LetterEnded)
    def on_letter_ended(self, session: Session, event: LetterEnded) -> None:
        """Whether the mail is out, for the user's page; the link's time begins with that."""
        if event.template in _OURS:
            sent_at = event.at if event.state is RecipientState.SENT else None
            password_links.note_letter(session, event.reference, event.reason, sent_at)


def _find(session: Session, token: str) -> Opened | None:
    """The link of a word, whatever became of it."""
    if (link := password_links.find(session, token)) is None:
        return None
    user = store.get_user(session, link.user_id)
    good = password_links.is_good(link, clock.now()) and user.state not in GONE
    holder = contract.LinkHolder(
        purpose=link.purpose, username=user.username, full_name=user.full_name
    )
    return Opened(link.id, good, user.id, holder)


def _use(session: Session, opened: Opened, password_hash: str, source: str) -> bool:
    """Of two who come at once one is too late, as is who comes after another change."""
    user = store.get_user(session, opened.user_id, lock=True)
    if user.state in GONE or not password_links.use(session, opened.link_id):
        password_links.note_refused(session, user.username, source)
        return False
    password_links.tell_changed(session, user, ChangedBy.LINK)
    store.set_user(session, user.id, {"password_hash": password_hash})
    what = (AuditAction.LINK_USED, AuditKind.USER, user.username)
    audit.record(session, *what, who=_actor(user), source=source)
    return True


def _actor(user: User) -> Actor:
    return Actor(user_id=user.id, username=user.username, full_name=user.full_name, role=user.role)
