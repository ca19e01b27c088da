"""Asking the risk central over SOAP, without ever waiting long for one that is down or slow."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import requests
import zeep
from lxml.etree import LxmlError
from nameko.extensions import DependencyProvider
from pydantic import TypeAdapter
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault, TransportError

from services.telemarketing.flights import Flights, LeaderFailedError
from shared import log, trace
from shared.bulkhead import Breaker, Bulkhead, FullError, OpenError
from shared.contracts.risk_central import RiskReport
from shared.settings import settings

PAUSE_SECONDS = 5.0  # after a failure nobody asks for so long: 200 advisors do not all wait
SHARE = 0.4  # of a room's workers may wait for the bureau …
WAITING_SHARE = 0.2  # … and so many more for a place among those …
WAIT_SECONDS = 0.2  # … no longer than this
MAX_CEDULAS = 500
_ABOUT_THE_PERSON = ("Client.NotFound", "Client.InvalidCedula")

_UNPACKED: TypeAdapter[RiskReport | None] = TypeAdapter(RiskReport | None)
_zeep: Any = zeep  # it claims to be typed, but its constructors are not

logger = log.get(__name__)


class BureauDownError(Exception):
    """The bureau does not answer, did not a moment ago, or keeps enough workers busy already."""


class BureauRefusesError(BureauDownError):
    """The bureau is there and takes our user and password for wrong: somebody has to mend it."""


class Bureau:
    """A client of the SOAP service, made at first use and shared by all workers.

    A slow bureau keeps some of the room's workers; the others go on with what advisors do
    meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._making = threading.Lock()
        self._service: Any = None
        workers = settings().max_workers
        places, waiting = max(1, int(workers * SHARE)), int(workers * WAITING_SHARE)
        self._bulkhead = Bulkhead(places, WAIT_SECONDS, waiting)
        self._breaker = Breaker(PAUSE_SECONDS, clock)
        self._flights = Flights()
        self.refused = False  # at the last question that came to an end

    def find_risk(self, cedula: str) -> RiskReport | None:
        """A person's report, None when the bureau has nothing. Raises BureauDownError.

        Of several who ask at once, in whichever process, one does and all get its answer.
        """
        with self._asking():
            seconds = settings().risk_timeout_seconds
            answer = self._flights.ask(cedula, seconds, lambda: self._find(cedula))
            return _UNPACKED.validate_json(answer)

    def _find(self, cedula: str) -> bytes:
        try:
            found = _report(self._client().GetRiskByCedula(cedula=cedula))
        except Fault as fault:
            if not str(fault.code).endswith(_ABOUT_THE_PERSON):
                raise
            found = None
        return _UNPACKED.dump_json(found)

    def list_risks(self, cedulas: Sequence[str]) -> list[RiskReport]:
        """The reports on those known, at most 500 at once. Raises BureauDownError."""
        with self._asking():
            found = self._client().GetRisks(cedulas={"string": list(cedulas)})
            return [_report(item) for item in found or ()]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self._bulkhead.place(), self._breaker.guard():
                yield
            self.refused = False
        except (FullError, OpenError) as error:
            raise self._down() from error
        except LeaderFailedError as error:
            raise BureauDownError from error
        except (requests.RequestException, ZeepError, LxmlError, OSError) as error:
            self.refused = _is_refusal(error)
            said = "refuses our credentials" if self.refused else "does not answer"
            logger.warning(f"risk central {said}", error=type(error).__name__)
            raise self._down() from error

    def _down(self) -> BureauDownError:
        return BureauRefusesError() if self.refused else BureauDownError()

    def _client(self) -> Any:
        with self._making:
            if self._service is None:
                self._service = _connect()
        return self._service


def _is_refusal(error: Exception) -> bool:
    """Whoever shows the right ones is never told to wait: 429 is of the wrong ones, too."""
    return isinstance(error, TransportError) and error.status_code in (401, 403, 429)


class Traced(requests.adapters.HTTPAdapter):
    """Sends the trace id along, so that the bureau's log can be followed."""

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """Called by requests before each request."""
        request.headers[trace.HTTP_HEADER] = trace.trace_id()


def _connect() -> Any:
    session = requests.Session()
    session.auth = (settings().soap_user, settings().soap_password)
    session.trust_env = False  # no proxy between the rooms
    adapter = Traced(pool_maxsize=settings().max_workers)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    seconds = settings().risk_timeout_seconds
    transport = _zeep.Transport(session=session, timeout=seconds, operation_timeout=seconds)
    address = settings().soap_url
    client = _zeep.Client(f"{address}?wsdl", transport=transport)
    binding = next(iter(client.wsdl.bindings))
    return client.create_service(binding, address)


def _report(item: Any) -> RiskReport:
    return RiskReport(**{name: item[name] for name in RiskReport.model_fields})


@lru_cache
def shared_bureau() -> Bureau:
    """The client of this process."""
    return Bureau()


class BureauClient(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives a room `self.bureau`."""

    def get_dependency(self, worker_ctx: Any) -> Bureau:  # noqa: ARG002  # nameko's signature
        """The client, the same for every worker."""
        return shared_bureau()
