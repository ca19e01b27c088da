"""The contract of the WSDL as a stock client sees it, in both versions of SOAP."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import requests
import zeep
from lxml import etree
from redis import Redis
from requests.auth import HTTPBasicAuth
from zeep.exceptions import Fault

from tests.soap.people import PASSWORD, USER, cedula

MARIA = cedula("171430710")
UNKNOWN = cedula("240000009")


@pytest.fixture(scope="session", params=["/risk-central", "/risk-central/soap12"])
def client(server: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    with requests.Session() as session:
        session.auth = HTTPBasicAuth(USER, PASSWORD.encode())
        transport: Any = zeep.Transport(session=session)  # type: ignore[no-untyped-call]  # zeep
        yield zeep.Client(f"{server}{request.param}?wsdl", transport=transport)  # type: ignore[no-untyped-call]  # zeep


@pytest.fixture
def service(client: Any, bureau: Redis) -> Any:
    return client.service


def code_of(fault: Fault) -> str:
    """The dotted code, which SOAP 1.2 splits in two."""
    if fault.subcodes is None:
        return str(fault.code.split(":")[1])
    side = {"Sender": "Client", "Receiver": "Server"}[fault.code.split(":")[1]]
    return f"{side}.{fault.subcodes[0].localname}"


def test_a_person_is_found_by_cedula(service: Any) -> None:
    report = service.GetRiskByCedula("171430710-3")
    assert {field: report[field] for field in report} == {
        "cedula": MARIA,
        "full_name": "Guamán Quishpe María José",
        "category": "A1",
        "score": 900,
        "total_debt": Decimal("1234.50"),
        "days_overdue": 0,
        "reported_on": date(2026, 10, 31),
        "source": "Banca",
    }


def test_a_lost_leading_zero_is_mended(service: Any) -> None:
    number = cedula("010000001")
    assert service.GetRiskByCedula(number[1:]).cedula == number


@pytest.mark.parametrize("name", ["guaman maria", "MARÍA  GUAMÁN", "mar guam", "Guamán, María"])
def test_names_are_found_in_any_order_and_form_best_first(service: Any, name: str) -> None:
    found = [person.full_name for person in service.FindRiskByName(name)]
    assert found == ["Guamán María", "Guamán Quishpe María José"]


def test_a_word_of_the_name_counts_once(service: Any) -> None:
    assert service.FindRiskByName("maria mar guaman") is None


def test_special_characters_survive(service: Any) -> None:
    (person,) = service.FindRiskByName("inigo nunez")
    assert person.full_name == "Ñúñez Peña Íñigo Andrés"
    assert person.source == "Cooperativa <Ñ> & Cía."


def test_homonyms_are_limited(service: Any) -> None:
    assert len(service.FindRiskByName("juan perez")) == 20
    assert len(service.FindRiskByName("juan perez", 3)) == 3
    assert len(service.FindRiskByName("juan perez", 1000)) == 100
    numbers = [person.cedula for person in service.FindRiskByName("juan perez", 100)]
    assert numbers == sorted(set(numbers))


def test_a_batch_gives_those_known_once_and_in_order(service: Any) -> None:
    other = cedula("130000003")
    found = service.GetRisks({"string": [other, UNKNOWN, MARIA, other]})
    assert [person.cedula for person in found] == [other, MARIA]
    assert not service.GetRisks({"string": [UNKNOWN]})
    assert not service.GetRisks({"string": []})


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "part"),
    [
        ("GetRiskByCedula", ["1714307104"], "Client.InvalidCedula", "dígito verificador"),
        ("GetRiskByCedula", [""], "Client.InvalidCedula", "Falta la cédula"),
        ("GetRiskByCedula", [UNKNOWN], "Client.NotFound", UNKNOWN),
        ("FindRiskByName", ["x"], "Client.InvalidName", "dos letras"),
        ("FindRiskByName", ["x" * 300], "Client.InvalidName", "demasiado largo"),
        ("FindRiskByName", ["juan", 0], "Client.InvalidName", "límite"),
        ("GetRisks", [{"string": [MARIA, "123"]}], "Client.InvalidCedula", "«123»"),
        ("GetRisks", [{"string": [MARIA] * 1001}], "Client.TooMany", "1000"),
    ],
)
def test_a_wrong_question_gets_its_fault(
    service: Any, operation: str, arguments: list[Any], code: str, part: str
) -> None:
    with pytest.raises(Fault) as refused:
        getattr(service, operation)(*arguments)
    assert code_of(refused.value) == code
    assert part in refused.value.message


def test_the_wsdl_is_public_and_names_the_address_it_was_asked_at(server: str) -> None:
    for path in ("/risk-central", "/risk-central/soap12"):
        reply = httpx.get(f"{server}{path}?wsdl", headers={"Host": "riesgos.example:81"})
        root = etree.fromstring(reply.content)
        assert root.get("targetNamespace") == "urn:pregon:risk-central:v1"
        assert root.xpath("//*[local-name()='service']/@name") == ["RiskCentral"]
        address = root.xpath("//*[local-name()='address']/@location")
        assert address == [f"http://riesgos.example:81{path}"]
