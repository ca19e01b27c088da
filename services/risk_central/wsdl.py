"""The bureau as spyne sees it: the WSDL, the faults and every request out of the ordinary."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from lxml import etree
from redis import Redis
from redis.exceptions import RedisError
from spyne import (
    Application,
    Array,
    ComplexModel,
    Date,
    Decimal,
    Fault,
    Integer32,
    Service,
    Unicode,
    rpc,
)
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

from services.risk_central import description, faults, lookups, meter, rules
from services.risk_central.envelope import NAMESPACE, SOAP_11, SOAP_12, Version
from shared.contracts.risk_central import RiskCategory
from shared.contracts.risk_central import RiskReport as Report

SERVICE = "RiskCentral"
ADDRESS = "http://address.invalid/"
NOT_AS_DESCRIBED = "El mensaje no sigue el WSDL."
UNAVAILABLE = "La central de riesgos no puede responder ahora. Intente de nuevo en unos minutos."

R = TypeVar("R")


def _always(kind: Any) -> Any:
    return kind.customize(min_occurs=1, nillable=False)


_Category = _always(Unicode(values=[str(item) for item in RiskCategory]))
_Category.__type_name__ = "RiskCategory"  # noqa: V101  # read by spyne
_Category.__namespace__ = NAMESPACE  # noqa: V101  # as above


class RiskReport(ComplexModel):  # type: ignore[misc]  # spyne has no types
    """`shared.contracts.risk_central.RiskReport` in XML; the order is the contract's."""

    __namespace__ = NAMESPACE
    _type_info = [  # noqa: RUF012  # read by spyne's metaclass
        ("cedula", _always(Unicode)),
        ("full_name", _always(Unicode)),
        ("category", _Category),
        ("score", _always(Integer32)),
        ("total_debt", _always(Decimal)),
        ("days_overdue", _always(Integer32)),
        ("reported_on", _always(Date)),
        ("source", _always(Unicode)),
    ]


class _Faults:
    """Ours in spyne's place; what spyne says of a request itself is neither Spanish nor for all."""

    version: Version

    def serialize(self, ctx: Any, message: str) -> None:
        """As spyne's, but for faults."""
        if ctx.out_error is None:
            super().serialize(ctx, message)  # type: ignore[misc]  # spyne's
            return
        code, text = _told(ctx.out_error)
        told = faults.fault(self.version, code, text)
        ctx.out_document = etree.fromstring(told)  # noqa: V101  # read by spyne

    def fault_to_http_response_code(self, fault: Fault) -> str:  # noqa: V105  # called by spyne
        """What SOAP over HTTP asks for."""
        status: HTTPStatus = faults.status(self.version, _told(fault)[0])
        return f"{status.value} {status.phrase}"


class _Soap11(_Faults, Soap11):  # type: ignore[misc]  # spyne has no types
    version = SOAP_11


class _Soap12(_Faults, Soap12):  # type: ignore[misc]  # spyne has no types
    version = SOAP_12


class _OurFault(Fault):  # type: ignore[misc]  # spyne has no types
    """One of the WSDL's."""


def _told(error: Fault) -> tuple[str, str]:
    if isinstance(error, _OurFault):
        return error.faultcode, error.faultstring
    if str(error.faultcode).startswith("Client"):
        return faults.MALFORMED, NOT_AS_DESCRIBED
    return "Server.Internal", UNAVAILABLE


def spyne_app(redis: Redis, *, soap12: bool) -> WsgiApplication:
    """The bureau's operations as WSGI, for SOAP 1.1 or 1.2."""
    logging.getLogger("spyne").setLevel(logging.CRITICAL)  # it logs faults, with the person's data
    protocol = _Soap12 if soap12 else _Soap11
    application = Application(
        [_service(redis)],
        tns=NAMESPACE,
        name=SERVICE,
        in_protocol=protocol(),
        out_protocol=protocol(),
    )
    return WsgiApplication(application)


def wsdl_document(app: WsgiApplication) -> bytes:
    """The app's WSDL with `ADDRESS` where its own address belongs."""
    app.doc.wsdl11.build_interface_document(ADDRESS)
    return description.finished(app.doc.wsdl11.get_interface_document())


def _service(redis: Redis) -> type[Service]:
    """The operations are named as in the WSDL."""

    class RiskCentral(Service):  # type: ignore[misc]  # spyne has no types
        @rpc(_always(Unicode), _returns=_always(RiskReport))
        def GetRiskByCedula(_ctx, cedula):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: lookups.get_risk_by_cedula(redis, cedula, meter.read))

        @rpc(
            _always(Unicode),
            Integer32(default=rules.DEFAULT_LIMIT, min_occurs=0),
            _returns=_always(Array(RiskReport)),
        )
        def FindRiskByName(_ctx, name, limit):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: _find_by_name(redis, name, limit))

        @rpc(Array(Unicode), _returns=_always(Array(RiskReport)))
        def GetRisks(_ctx, cedulas):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: lookups.get_risks(redis, cedulas, meter.read))

    return RiskCentral


def _answer(look_up: Callable[[], R]) -> R:
    try:
        return look_up()
    except lookups.RefusalError as refusal:
        raise _OurFault(refusal.code, refusal.message) from None
    except (RedisError, meter.OverLimitError):  # whose question that was tells what it was
        raise _OurFault("Server.Unavailable", UNAVAILABLE) from None


def _find_by_name(redis: Redis, name: str | None, limit: int | None) -> list[Report]:
    found = lookups.find_risk_by_name(redis, name, limit)
    meter.note_found([report.cedula for report in found])
    return found
