"""The doors of identity for sign-in by the company's provider.

The whole of it is done here: the gateway only leads the browser there and back. What comes by the
broker is a code of the provider, which nobody can make; no part's word is taken for it.
"""

from typing import Any

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import (
    admission,
    id_tokens,
    proofs,
    provider_accounts,
    sessions,
    store,
    tries,
    trips,
)
from services.identity.admission import Coming
from services.identity.id_tokens import RefusedError
from services.identity.provider import shared_provider
from services.identity.provider_accounts import WAY
from services.identity.provider_wire import DownError, StrangerError
from shared import audit, log, trace
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Conflict, Denied, Unavailable
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, rpc
from shared.settings import settings

TOO_LATE = (
    "El ingreso tardó más de diez minutos, se empezó en otro navegador o ya se usó. Empiece de "
    "nuevo."
)
UNPROVED = (
    "No se pudo comprobar la respuesta de su empresa. Intente de nuevo; si continúa, avise al "
    "administrador."
)
DOWN = (
    "El ingreso de su empresa no responde ahora. Intente en unos minutos, o ingrese con su "
    "contraseña."
)
STRANGER = (
    "No se pudo comprobar que el servidor de ingreso de su empresa sea el suyo: su certificado no "
    "es de confianza aquí. Avise al administrador; mientras tanto, ingrese con su contraseña."
)
NOT_LINKED = "Su usuario todavía no está vinculado a una cuenta de la empresa."
NOT_YOURS = "Esa no es su cuenta de la empresa. Confirme con la misma con la que ingresa."
NONE = "Aquí no se ingresa con una cuenta de la empresa."

logger = log.get(__name__)


class ProviderDoors(Room):
    """There and back."""

    redis: Redis = RedisClient()

    @rpc(contract.begin_provider_log_in)
    def begin_provider_log_in(self) -> contract.ProviderWay:
        """Nothing is written down: whoever never comes back costs nothing."""
        _check_is_set()
        return _lead(trips.begin())

    @rpc(contract.finish_provider_log_in)
    def finish_provider_log_in(
        self, kept: str, state: str, code: str, source: str, device: str = "", agent: str = ""
    ) -> contract.Session | contract.Ticket:
        """Counted by the address before anything is looked at; the provider is asked for no try."""
        _check_is_set()
        counted = tries.begin_provider(self.redis, source)
        try:
            claims = self._ask_provider(kept, state, code, proves=trips.LOG_IN)
        except Unavailable:
            tries.undo(self.redis, counted)
            raise
        user_id = self._find_account(claims, source)
        tries.undo(self.redis, counted)
        proved = settings().oidc_trust_mfa and id_tokens.says_two_factors(claims)
        coming = Coming(source, agent, device, WAY)
        return admission.admit(self.db, self.redis, user_id, coming, second_proved=proved)

    @rpc(contract.begin_provider_proof)
    def begin_provider_proof(self) -> contract.ProviderWay:
        """The provider asks anew, whatever session it has there."""
        _check_is_set()
        user_id = trace.actor().user_id
        with self.db() as session:
            if not provider_accounts.has_one(session, settings().oidc_issuer, user_id):
                raise Conflict(NOT_LINKED)
        return _lead(trips.begin(proves=user_id))

    @rpc(contract.finish_provider_proof)
    def finish_provider_proof(
        self, token: str, kept: str, state: str, code: str, source: str
    ) -> None:
        """Counted as a log-in is: who tries others' answers is slowed down."""
        _check_is_set()
        user_id = trace.actor().user_id
        counted = tries.begin_provider(self.redis, source)
        try:
            claims = self._ask_provider(kept, state, code, proves=user_id)
        except Unavailable:
            tries.undo(self.redis, counted)
            raise
        with self.db() as session:
            account = (settings().oidc_issuer, claims["sub"])
            if not provider_accounts.is_of(session, *account, user_id):
                raise Denied(NOT_YOURS)
        tries.undo(self.redis, counted)
        proofs.keep(self.redis, token, user_id)

    def _ask_provider(self, kept: str, state: str, code: str, proves: int) -> dict[str, Any]:
        """What is for a log-in is no proof, and the other way around."""
        trip = trips.find(kept, state)
        if trip is None or trip.proves != proves or not trips.take(self.redis, trip):
            raise Denied(TOO_LATE)
        try:
            return shared_provider().prove(code, trip)
        except RefusedError as error:
            logger.warning("the provider's answer is not believed", reason=str(error))
            raise Denied(UNPROVED) from None
        except DownError as error:
            raise _down(error) from None

    def _find_account(self, claims: dict[str, Any], source: str) -> int:
        """Who is refused is on record by what the provider called them, hashed."""
        name, subject = id_tokens.username_of(claims), claims["sub"]
        try:
            with self.db.begin() as session:
                account = (settings().oidc_issuer, subject, name, source)
                return provider_accounts.admit_owner(session, *account).actor.user_id
        except Denied:
            told = {"username_tried": name}
            with self.db.begin() as session:
                about: dict[str, Any] = {"after": told, "source": source, "purpose": WAY}
                audit.record(session, AuditAction.LOG_IN_FAILED, **about)
            raise

    @rpc(contract.find_provider_log_out)
    def find_provider_log_out(self) -> str | None:
        try:
            return shared_provider().find_log_out() if settings().oidc_issuer else None
        except DownError:
            return None

    @command(contract.unlink_provider_account)
    def unlink_provider_account(self, session: Session, user_id: int) -> None:
        user = store.get_user(session, user_id, lock=True)
        if not provider_accounts.unlink(session, user_id):
            raise Conflict("Este usuario no tiene vinculada una cuenta de la empresa.")
        what = (AuditAction.PROVIDER_UNLINKED, AuditKind.USER, user.username)
        audit.record(session, *what)
        sessions.end_all(self.redis, user_id)


def _check_is_set() -> None:
    if not settings().oidc_issuer:
        raise Conflict(NONE)


def _lead(trip: trips.Trip) -> contract.ProviderWay:
    try:
        address = shared_provider().way(trip)
    except DownError as error:
        raise _down(error) from None
    return contract.ProviderWay(address=address, kept=trips.seal(trip))


def _down(error: DownError) -> Unavailable:
    if isinstance(error, StrangerError):
        logger.error("the provider is not believed", reason=str(error), ca_file=settings().ca_file)
        return Unavailable(STRANGER)
    logger.warning("the provider does not answer", reason=str(error))
    return Unavailable(DOWN)
