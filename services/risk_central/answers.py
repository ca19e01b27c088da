"""From a SOAP message to its answer, by the short way or by spyne.

The short way takes plain requests of the two hot operations about persons that are known. All
else, and every refusal, spyne answers from the beginning.
"""

import io
from collections.abc import Sequence
from http import HTTPStatus

from lxml import etree
from redis import Redis
from redis.exceptions import RedisError

from services.risk_central import envelope, faults, lookups, meter, reading, store, wsdl
from services.risk_central.envelope import NAMESPACE, SOAP_12, Version
from services.risk_central.faults import FaultError
from services.risk_central.meter import Question
from shared import log

Reply = tuple[HTTPStatus, bytes]

_OPERATIONS = {f"{{{NAMESPACE}}}{name}": name for name in meter.OPERATIONS}
_BY_CEDULA = f"{{{NAMESPACE}}}GetRiskByCedula"
_CEDULA = f"{{{NAMESPACE}}}cedula"
_MANY = f"{{{NAMESPACE}}}GetRisks"
_CEDULAS = f"{{{NAMESPACE}}}cedulas"
_STRING = f"{{{NAMESPACE}}}string"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

logger = log.get(__name__)


class Answers:
    """The bureau's answers in one version of SOAP; `redis` connects at first use."""

    def __init__(self, redis: Redis, version: Version) -> None:
        self._redis = redis
        self.version = version
        self._spyne = wsdl.spyne_app(redis, soap12=version is SOAP_12)
        self.wsdl = wsdl.wsdl_document(self._spyne)

    def reply(
        self, body: bytes, encoding: str | None = None, question: Question | None = None
    ) -> Reply:
        """HTTP status and envelope, a fault for whatever cannot be answered.

        Who asks pays with it. Raises OverLimitError when that client has nothing to pay with.
        """
        status, content = self._reply(body, encoding, question)
        if question is None:
            return status, content
        try:
            question.settle("" if status == HTTPStatus.OK else faults.code_in(content))
        except RedisError:
            return self._fault("Server.Unavailable", wsdl.UNAVAILABLE)
        return status, content

    def _reply(self, body: bytes, encoding: str | None, question: Question | None) -> Reply:
        try:
            root = reading.read(body, encoding, self.version)
            operation = reading.operation(root, self.version)
            if question is not None:
                question.operation = _OPERATIONS.get(operation.tag, "")
            content = self._short_way(root, operation, question)
        except FaultError as error:
            status = faults.status(self.version, error.code)
            return status, faults.refused(self.version, error)
        except RedisError:
            return self._fault("Server.Unavailable", wsdl.UNAVAILABLE)
        if content is not None:
            return HTTPStatus.OK, content
        with meter.asking(question):
            return self.by_spyne(root)

    def by_spyne(self, root: etree._Element) -> Reply:
        """Spyne's reply to a document, which it gets as UTF-8 without comments and DTD."""
        _fill_nil(root)
        try:
            return self._call_spyne(etree.tostring(root, encoding="utf-8"))
        except Exception:  # spyne falls over some documents that are XML but no sense
            logger.exception("spyne failed")
            return self._fault(faults.MALFORMED, wsdl.NOT_AS_DESCRIBED)

    def _short_way(
        self, root: etree._Element, operation: etree._Element, question: Question | None
    ) -> bytes | None:
        if not envelope.is_plain(root, self.version):
            return None
        read = store.read if question is None else question.read
        try:
            if operation.tag == _BY_CEDULA:
                return self._risk_by_cedula(envelope.texts(operation, _CEDULA), read)
            if operation.tag == _MANY and len(operation) == 1 and operation[0].tag == _CEDULAS:
                return self._risks(envelope.texts(operation[0], _STRING), read)
        except lookups.RefusalError:
            return None
        return None

    def _risk_by_cedula(self, cedulas: Sequence[str] | None, read: store.Read) -> bytes | None:
        if cedulas is None or len(cedulas) != 1:
            return None
        report = lookups.get_risk_by_cedula(self._redis, cedulas[0], read)
        content = envelope.report_content(report)
        return envelope.answer(self.version, "GetRiskByCedula", content)

    def _risks(self, cedulas: Sequence[str] | None, read: store.Read) -> bytes | None:
        if cedulas is None:
            return None
        content = envelope.list_content(lookups.get_risks(self._redis, cedulas, read))
        return envelope.answer(self.version, "GetRisks", content)

    def _fault(self, code: str, message: str) -> Reply:
        body = faults.fault(self.version, code, message)
        return faults.status(self.version, code), body

    def _call_spyne(self, body: bytes) -> Reply:
        statuses: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": wsdl.SERVICE,
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.version.content_type,
        }

        def start(status: str, _headers: object) -> None:
            statuses.append(status)

        reply = b"".join(self._spyne(environ, start))
        return HTTPStatus(int(statuses[0].split()[0])), reply


def _fill_nil(root: etree._Element) -> None:
    """An operation that is nil has no arguments: SOAP::Lite writes so, and spyne falls over it."""
    for operation in root.iterfind(f"*/*[@{_NIL}]"):
        del operation.attrib[_NIL]
