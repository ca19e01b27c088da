"""The doors of identity for the second factor.

None of them is a command: what they answer is shown once, and kept for no second sending.
"""

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import (
    admission,
    proofs,
    provider_accounts,
    second_factor,
    sessions,
    store,
    tickets,
    tries,
)
from services.identity.admission import Coming
from services.identity.models import User
from services.identity.provider_accounts import WAY
from shared import audit, clock, trace
from shared.contract import Actor
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Conflict, Denied, Invalid
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query, rpc
from shared.settings import settings

WRONG_CODE = "El código no es correcto, ya se usó o ya cambió. Escriba el que ve ahora."
WRONG_RECOVERY = "El código de recuperación no es correcto o ya se usó."
TOO_LATE = "El ingreso tomó más de cinco minutos. Ingrese de nuevo."
UNPREPARED = "Pasó demasiado tiempo. Lea el código QR de nuevo con su teléfono."
REQUIRED = "Su rol exige la verificación en dos pasos: puede cambiar de teléfono, no desactivarla."
UNPROVED = "Confirme que es usted: con su contraseña o con la cuenta de la empresa."
NONE_SET = "No tiene activada la verificación en dos pasos."
OWN = "La suya se cambia en «Mi cuenta», con su contraseña y un código."


class SecondFactorDoors(Room):
    """Codes of a telephone after the password: set up, asked for, taken away."""

    redis: Redis = RedisClient()

    @rpc(contract.finish_log_in)
    def finish_log_in(
        self, ticket: str, code: str, source: str, device: str = "", agent: str = ""
    ) -> contract.Session:
        """A ticket is good for one session, and for the user as of the first factor."""
        user, way = self._holder(ticket)
        coming = Coming(source, agent, device, way)
        counted = tries.begin_code(self.redis, user.username, source, device)
        with self.db.begin() as session:
            who = admission.find_admitted(session, user.id)
            good = second_factor.use(session, user.id, code)
            if good and not tickets.take(self.redis, ticket):
                raise Denied(TOO_LATE)
            if good:
                admission.note(session, who, coming, _way_in(code))
            else:
                audit.record(session, AuditAction.CODE_REFUSED, who=who.actor, source=source)
        if not good:
            raise _wrong(code)
        tries.succeed(self.redis, counted)
        return admission.start(self.redis, who, coming)

    def _holder(self, ticket: str) -> tuple[User, str]:
        """Whose ticket it is, and the way of the first factor.

        Raises Denied; also when the user, or the factor, was changed.
        """
        found = tickets.find(self.redis, ticket)
        if found is None:
            raise Denied(TOO_LATE)
        with self.db() as session:
            user = store.get_user(session, found.user_id)
            was_reset = second_factor.find_factor(session, user.id) is None
        if was_reset or user.version != found.version:
            raise Denied(TOO_LATE)
        return user, found.way

    @query(contract.get_second_factor)
    def get_second_factor(self, session: Session, token: str) -> contract.SecondFactor:
        user = store.get_user(session, trace.actor().user_id)
        factor = second_factor.find_factor(session, user.id)
        issuer = settings().oidc_issuer
        return contract.SecondFactor(
            since=factor.since if factor else None,
            codes_left=second_factor.count_codes(session, user.id),
            required=_is_required(session, user.id),
            by_password=user.has_password,
            by_provider=bool(issuer) and provider_accounts.has_one(session, issuer, user.id),
            proved_until=proofs.find(self.redis, token, user.id),
        )

    @rpc(contract.prepare_second_factor)
    def prepare_second_factor(self) -> contract.NewSecret:
        actor = trace.actor()
        secret = tickets.prepare(self.redis, actor.user_id, second_factor.make_secret())
        uri = second_factor.uri(secret, actor.username)
        return contract.NewSecret(secret=secret, uri=uri)

    @rpc(contract.set_second_factor)
    def set_second_factor(
        self, token: str, password: str, code: str, source: str, present: str | None = None
    ) -> contract.RecoveryCodes:
        """Who has one already proves that, too: a password and a running session are not it."""
        actor = trace.actor()
        way = self._check_first(actor, token, password, source)
        secret, step = self._read_prepared(actor, code)
        with self.db() as session:
            has_one = second_factor.find_factor(session, actor.user_id) is not None
        if has_one:
            self._check_code(actor, present or "", source, "present")
        with self.db.begin() as session:
            second_factor.set_factor(session, actor.user_id, secret, step)
            codes = second_factor.make_codes(session, actor.user_id)
            audit.record(session, AuditAction.SECOND_FACTOR_SET, source=source, purpose=way)
        proofs.use_up(self.redis, token)
        tickets.forget_prepared(self.redis, actor.user_id)
        sessions.end_all(self.redis, actor.user_id, but=token)
        return contract.RecoveryCodes(codes=codes)

    def _read_prepared(self, actor: Actor, code: str) -> tuple[str, int]:
        """The secret that was prepared and the step of a code of it. Raises Conflict, Invalid."""
        secret = tickets.find_prepared(self.redis, actor.user_id)
        if secret is None:
            raise Conflict(UNPREPARED)
        step = second_factor.find_step(secret, code, clock.now())
        if step is None:
            raise Invalid.field("code", WRONG_CODE)
        return secret, step

    @rpc(contract.renew_recovery_codes)
    def renew_recovery_codes(
        self, token: str, password: str, code: str, source: str
    ) -> contract.RecoveryCodes:
        actor = trace.actor()
        way = self._prove(actor, token, password, code, source)
        with self.db.begin() as session:
            codes = second_factor.make_codes(session, actor.user_id)
            audit.record(session, AuditAction.RECOVERY_CODES_RENEWED, source=source, purpose=way)
        proofs.use_up(self.redis, token)
        return contract.RecoveryCodes(codes=codes)

    @rpc(contract.remove_second_factor)
    def remove_second_factor(self, token: str, password: str, code: str, source: str) -> None:
        actor = trace.actor()
        with self.db() as session:
            if _is_required(session, actor.user_id):
                raise Conflict(REQUIRED)
        way = self._prove(actor, token, password, code, source)
        with self.db.begin() as session:
            second_factor.remove_factor(session, actor.user_id)
            audit.record(session, AuditAction.SECOND_FACTOR_REMOVED, source=source, purpose=way)
        proofs.use_up(self.redis, token)
        sessions.end_all(self.redis, actor.user_id, but=token)

    @command(contract.reset_second_factor)
    def reset_second_factor(self, session: Session, user_id: int) -> None:
        """Not of oneself: a session that somebody left open must not get rid of it."""
        user = store.get_user(session, user_id, lock=True)
        if user_id == trace.actor().user_id:
            raise Conflict(OWN)
        if not second_factor.remove_factor(session, user_id):
            raise Conflict("Este usuario no tiene activada la verificación en dos pasos.")
        what = (AuditAction.SECOND_FACTOR_RESET, AuditKind.USER, user.username)
        audit.record(session, *what)
        sessions.end_all(self.redis, user_id)

    # --- proofs, counted as those of a log-in ---

    def _prove(self, actor: Actor, token: str, password: str, code: str, source: str) -> str:
        """The way of the first proof, as the record tells it.

        Raises Conflict for who has no second factor; Invalid; Denied when it was too often.
        """
        with self.db() as session:
            if second_factor.find_factor(session, actor.user_id) is None:
                raise Conflict(NONE_SET)
        way = self._check_first(actor, token, password, source)
        self._check_code(actor, code, source)
        return way

    def _check_first(self, actor: Actor, token: str, password: str, source: str) -> str:
        """By the password or, without one, by what the provider has said a moment ago."""
        if not password and proofs.find(self.redis, token, actor.user_id):
            return WAY
        if not password:
            raise Invalid.field("password", UNPROVED)
        self._check_password(actor, password, source)
        return ""

    def _check_password(self, actor: Actor, password: str, source: str) -> None:
        counted = tries.begin(self.redis, actor.username, source, "")
        with self.db() as session:
            user = store.get_user(session, actor.user_id)
        try:
            admission.check_password(self.redis, user, password, counted)
        except Denied:
            raise Invalid.field("password", "No es su contraseña.") from None
        tries.succeed(self.redis, counted)

    def _check_code(self, actor: Actor, code: str, source: str, field: str = "code") -> None:
        counted = tries.begin_code(self.redis, actor.username, source, "")
        with self.db.begin() as session:
            good = second_factor.use(session, actor.user_id, code)
            if not good:
                audit.record(session, AuditAction.CODE_REFUSED, source=source)
        if not good:
            raise _wrong(code, field)
        tries.succeed(self.redis, counted)


def _is_required(session: Session, user_id: int) -> bool:
    return store.get_role_of(session, user_id).requires_second_factor


def _way_in(code: str) -> AuditAction:
    by_phone = second_factor.is_digits(code)
    return AuditAction.LOG_IN if by_phone else AuditAction.RECOVERY_CODE_USED


def _wrong(code: str, field: str = "code") -> Invalid:
    return Invalid.field(field, WRONG_CODE if second_factor.is_digits(code) else WRONG_RECOVERY)
