"""The room beside the SOAP server: loads of the bureau's file, and a search for the pages."""

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.risk_central import loads, lookups, rules
from shared import files, outbox, trace
from shared.contract import Page, check_health
from shared.contracts import risk_central as contract
from shared.errors import Invalid, Unavailable
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query, rpc

_DOWN = "Redis no responde. Intente de nuevo en un momento."


class RiskCentralService(Room):
    """The bureau's loads and its state."""

    name = "risk_central"

    redis: Redis = RedisClient()

    @query(check_health)
    def check_health(self, session: Session) -> str:
        """Ready when the persons can be reached, too. Raises Unavailable."""
        session.execute(text("SELECT 1"))
        try:
            self.redis.ping()
        except RedisError:
            raise Unavailable(_DOWN) from None
        return "ok"

    @command(contract.start_load)
    def start_load(self, session: Session, file_key: str, file_name: str) -> contract.Load:
        """Loads follow each other: one that meets another waits."""
        with files.open_key(file_key):
            load = loads.ledger.insert(
                session, trace.actor().username, file_key=file_key, file_name=file_name
            )
        outbox.add_job(session, "risk_central.load_file", load.id, bulk=True)
        return contract.Load.model_validate(load)

    @command(contract.rerun_load)
    def rerun_load(self, session: Session, load_id: int) -> contract.Load:
        """The file is looked for first, so that one that is gone is told at once."""
        load = loads.ledger.get(session, load_id, lock=True)
        with files.open_key(load.file_key):
            loads.ledger.wait_again(load)
        outbox.add_job(session, "risk_central.load_file", load.id, bulk=True)
        return contract.Load.model_validate(load)

    @query(contract.get_load)
    def get_load(self, session: Session, load_id: int) -> contract.Load:
        return contract.Load.model_validate(loads.ledger.get(session, load_id))

    @query(contract.list_loads)
    def list_loads(
        self, session: Session, after: str | None = None, limit: int = 20
    ) -> Page[contract.Load]:
        return Page.cut(loads.ledger.list(session, after, limit), contract.Load.model_validate)

    @rpc(contract.find_risks)
    def find_risks(self, search: str) -> list[contract.RiskReport]:
        """Digits are a cédula, anything else a name."""
        try:
            return self._find(search.strip())
        except lookups.RefusalError as refusal:
            if refusal.code == "Client.NotFound":
                return []
            raise Invalid.field("search", refusal.message) from None
        except RedisError:
            raise Unavailable(_DOWN) from None

    def _find(self, search: str) -> list[contract.RiskReport]:
        if search[:1].isdigit():
            return [lookups.get_risk_by_cedula(self.redis, search)]
        return lookups.find_risk_by_name(self.redis, search, rules.DEFAULT_LIMIT)
