"""Clients of Python and Node understand the bureau by its WSDL; others do by `make interop`."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import suds.client
import suds.transport.http
import zeep
from redis import Redis
from requests.auth import HTTPBasicAuth

from tests.soap.interop import PATHS, QUESTIONS, ask, check
from tests.soap.people import PASSWORD, USER

Call = Callable[..., Any]


def answers(call: Call, stranger: Call, refusal: Callable[[Call], Any]) -> dict[str, Any]:
    """The same questions by each client of Python."""
    known, unknown = QUESTIONS["known"], QUESTIONS["unknown"]
    return {
        "known": call("GetRiskByCedula", known),
        "by_name": call("FindRiskByName", QUESTIONS["name"], 5),
        "many": call("GetRisks", {"string": [known, unknown]}),
        "unknown": refusal(lambda: call("GetRiskByCedula", unknown)),
        "wrong": refusal(lambda: call("GetRiskByCedula", "123")),
        "stranger": refusal(lambda: stranger("GetRiskByCedula", known)),
    }


def by_zeep(address: str, password: str) -> Call:
    session = requests.Session()
    session.auth = HTTPBasicAuth(USER, password.encode())
    session.trust_env = False
    transport: Any = zeep.Transport(session=session)  # type: ignore[no-untyped-call]  # zeep
    client: Any = zeep.Client(address, transport=transport)  # type: ignore[no-untyped-call]  # zeep

    def call(operation: str, *arguments: Any) -> Any:
        found = client.service[operation](*arguments)
        if operation == "GetRiskByCedula":
            return {name: str(found[name]) for name in found}
        return [person["cedula"] for person in found or ()]

    def refusal(asking: Call) -> Any:
        try:
            asking()
        except zeep.exceptions.Fault as fault:
            detail = client.wsdl.types.deserialize(fault.detail[0])
            return {"code": detail["code"], "message": detail["message"]}
        except zeep.exceptions.TransportError as error:
            return {"error": str(error.status_code)}
        return {"error": "answered"}

    call.refusal = refusal  # type: ignore[attr-defined]
    return call


def by_suds(address: str, password: str) -> Call:
    transport = suds.transport.http.HttpAuthenticated(username=USER, password=password)
    client = suds.client.Client(address, transport=transport, cache=None, faults=True)

    def call(operation: str, *arguments: Any) -> Any:
        found = getattr(client.service, operation)(*arguments)
        if operation == "GetRiskByCedula":
            return {name: str(value) for name, value in found}
        return [person.cedula for person in found.RiskReport]

    def refusal(asking: Call) -> Any:
        try:
            asking()
        except suds.WebFault as fault:
            detail = fault.fault.detail.RiskFault
            return {"code": str(detail.code), "message": str(detail.message)}
        except suds.transport.TransportError as error:
            return {"error": str(error.httpcode)}
        except Exception as error:  # suds tells a status by a bare Exception
            return {"error": str(error)}
        return {"error": "answered"}

    call.refusal = refusal  # type: ignore[attr-defined]
    return call


@pytest.mark.parametrize(
    ("make", "version"), [(by_zeep, "1.1"), (by_zeep, "1.2"), (by_suds, "1.1")]
)
def test_clients_of_python_understand(
    server: str, bureau: Redis, make: Callable[[str, str], Call], version: str
) -> None:
    address = f"{server}{PATHS[version]}?wsdl"
    call, stranger = make(address, PASSWORD), make(address, "no es")
    outcome = answers(call, stranger, call.refusal)  # type: ignore[attr-defined]
    check(outcome)
    assert "401" in outcome["stranger"]["error"]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("client", ["soap.mjs", "strong-soap.mjs"])
def test_clients_of_node_understand(server: str, bureau: Redis, client: str, version: str) -> None:
    outcome = ask(server, version, "node", client)
    check(outcome)
    assert "401" in outcome["stranger"]["error"]
