"""The doors of identity for API tokens."""

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import token_use, tokens
from services.identity.tokens import Found
from shared import audit, trace
from shared.contract import Page
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.identity import TokenRefusal
from shared.errors import Denied
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query, rpc

WRONG = "El acceso no sirve. Revise su valor, hasta cuándo vale y desde qué direcciones se usa."


class TokenDoors(Room):
    """How other systems ask in a user's name."""

    redis: Redis = RedisClient()

    @rpc(contract.check_api_token)
    def check_api_token(self, token: str, source: str = "") -> contract.Admission:
        """One statement and one step in Redis, no more than a session; a second once a minute."""
        with self.db() as session:
            found = tokens.find(session, token)
        refusal = tokens.refusal_of(found, source) if found else None
        if found is None or refusal:
            self._note_refusal(found, refusal, source)
            token_use.slow_down(self.redis, source)
            raise Denied(WRONG)
        use = token_use.take(self.redis, found.token)
        if use.due:
            with self.db.begin() as session:
                tokens.set_used(session, found.token.id, source)
        return contract.Admission(
            actor=found.actor,
            role_name=found.user.role_name,
            expires_at=found.expires_at,
            limit=found.token.requests_a_minute,
            remaining=use.remaining,
            reset_seconds=use.reset_seconds,
        )

    def _note_refusal(self, found: Found | None, refusal: TokenRefusal | None, source: str) -> None:
        """Of one whose secret is right: what strangers make up is nobody's."""
        if found is None or refusal is None:
            return
        if not token_use.may_record(self.redis, found.token, refusal):
            return
        what = (AuditAction.USE_REFUSED, AuditKind.API_TOKEN, found.token.name)
        with self.db.begin() as session:
            audit.record(session, *what, purpose=refusal.word, who=found.actor, source=source)

    @query(contract.list_api_tokens)
    def list_api_tokens(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.Token]:
        return Page.cut(tokens.list_tokens(session, after, limit), tokens.to_contract)

    @query(contract.list_own_api_tokens)
    def list_own_api_tokens(self, session: Session) -> list[contract.Token]:
        return tokens.list_of_user(session, trace.actor().user_id)

    @query(contract.get_api_token)
    def get_api_token(self, session: Session, token_id: str) -> contract.Token:
        return tokens.show(session, tokens.get_token(session, token_id))

    @command(contract.create_api_token)
    def create_api_token(self, session: Session, new: contract.NewToken) -> contract.IssuedToken:
        token, value = tokens.insert_token(session, new, trace.actor().full_name)
        made = new.model_dump(mode="json")
        audit.record(session, AuditAction.CREATED, AuditKind.API_TOKEN, token.name, after=made)
        shown = tokens.show(session, token)
        return contract.IssuedToken(**shown.model_dump(), value=value)

    @command(contract.revoke_api_token)
    def revoke_api_token(self, session: Session, token_id: str) -> contract.Token:
        token = tokens.get_token(session, token_id, lock=True)
        if token.revoked_at is None:
            tokens.set_revoked(session, token, trace.actor().full_name)
            audit.record(session, AuditAction.REVOKED, AuditKind.API_TOKEN, token.name)
        return tokens.show(session, token)
