"""Asking the risk central over SOAP, without ever waiting long for one that is down."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import requests
import zeep
from lxml.etree import LxmlError
from nameko.extensions import DependencyProvider
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault

from shared import log
from shared.contracts.risk_central import RiskReport
from shared.settings import settings

PAUSE_SECONDS = 5.0  # after a failure nobody asks for so long: 200 advisors do not all wait
MAX_CEDULAS = 500
_ABOUT_THE_PERSON = ("Client.NotFound", "Client.InvalidCedula")

_zeep: Any = zeep  # it claims to be typed, but its constructors are not

logger = log.get(__name__)


class BureauDownError(Exception):
    """The bureau does not answer, or did not a moment ago."""


class Bureau:
    """A client of the SOAP service, made at first use and shared by all workers."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._service: Any = None
        self._resumes_at = 0.0  # monotonic seconds

    def find_risk(self, cedula: str) -> RiskReport | None:
        """A person's report, None when the bureau has nothing. Raises BureauDownError."""
        with self._asking():
            try:
                return _report(self._client().GetRiskByCedula(cedula=cedula))
            except Fault as fault:
                if str(fault.code).endswith(_ABOUT_THE_PERSON):
                    return None
                raise

    def list_risks(self, cedulas: Sequence[str]) -> list[RiskReport]:
        """The reports on those known, at most 500 at once. Raises BureauDownError."""
        with self._asking():
            found = self._client().GetRisks(cedulas={"string": list(cedulas)})
            return [_report(item) for item in found or ()]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if time.monotonic() < self._resumes_at:
            raise BureauDownError
        try:
            yield
        except (requests.RequestException, ZeepError, LxmlError, TimeoutError) as error:
            self._resumes_at = time.monotonic() + PAUSE_SECONDS
            logger.warning("risk central does not answer", error=repr(error))
            raise BureauDownError from error

    def _client(self) -> Any:
        with self._making:
            if self._service is None:
                self._service = _connect()
        return self._service


def _connect() -> Any:
    session = requests.Session()
    session.auth = (settings().soap_user, settings().soap_password)
    session.trust_env = False  # no proxy between the rooms
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=settings().max_workers)
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
