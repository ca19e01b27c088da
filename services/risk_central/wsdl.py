"""The bureau as spyne sees it: the WSDL, the faults and every request out of the ordinary."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import RedisError
from spyne import (
    Application,
    Array,
    ComplexModel,
    Date,
    Decimal,
    Fault,
    Integer,
    Service,
    Unicode,
    rpc,
)
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

from services.risk_central import lookups, rules

NAMESPACE = "urn:pregon:risk-central:v1"
SERVICE = "RiskCentral"
ADDRESS = "http://address.invalid/"
UNAVAILABLE = "La central de riesgos no puede responder ahora. Intente de nuevo en unos minutos."

R = TypeVar("R")


def _always(kind: Any) -> Any:
    return kind.customize(min_occurs=1, nillable=False)


class RiskReport(ComplexModel):  # type: ignore[misc]  # spyne has no types
    """`shared.contracts.risk_central.RiskReport` in XML; the order is the contract's."""

    __namespace__ = NAMESPACE
    _type_info = [  # noqa: RUF012  # read by spyne's metaclass
        ("cedula", _always(Unicode)),
        ("full_name", _always(Unicode)),
        ("category", _always(Unicode)),
        ("score", _always(Integer)),
        ("total_debt", _always(Decimal)),
        ("days_overdue", _always(Integer)),
        ("reported_on", _always(Date)),
        ("source", _always(Unicode)),
    ]


def spyne_app(redis: Redis, *, soap12: bool) -> WsgiApplication:
    """The bureau's operations as WSGI, for SOAP 1.1 or 1.2."""
    logging.getLogger("spyne").setLevel(logging.CRITICAL)  # it logs faults, with the person's data
    protocol = Soap12 if soap12 else Soap11
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
    document: bytes = app.doc.wsdl11.get_interface_document()
    return document


def _service(redis: Redis) -> type[Service]:
    """The operations are named as in the WSDL."""

    class RiskCentral(Service):  # type: ignore[misc]  # spyne has no types
        @rpc(_always(Unicode), _returns=_always(RiskReport))
        def GetRiskByCedula(_ctx, cedula):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: lookups.get_risk_by_cedula(redis, cedula))

        @rpc(
            _always(Unicode),
            Integer(default=rules.DEFAULT_LIMIT, min_occurs=0),
            _returns=_always(Array(RiskReport)),
        )
        def FindRiskByName(_ctx, name, limit):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: lookups.find_risk_by_name(redis, name, limit))

        @rpc(Array(Unicode), _returns=_always(Array(RiskReport)))
        def GetRisks(_ctx, cedulas):  # type: ignore[no-untyped-def]  # noqa: N802, N805  # spyne's
            return _answer(lambda: lookups.get_risks(redis, cedulas))

    return RiskCentral


def _answer(look_up: Callable[[], R]) -> R:
    try:
        return look_up()
    except lookups.RefusalError as refusal:
        raise Fault(refusal.code, refusal.message, lang="es") from None
    except RedisError:
        raise Fault("Server.Unavailable", UNAVAILABLE, lang="es") from None
