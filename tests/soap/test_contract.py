"""The contract of the WSDL as a stock client sees it, in both versions of SOAP."""

import io
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

from services.risk_central.load import load_file
from tests.soap.people import PASSWORD, USER, cedula, csv_bytes, row

WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "xs": "http://www.w3.org/2001/XMLSchema"}
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


def test_names_are_found_as_people_write_them(service: Any, bureau: Redis) -> None:
    people = ["O'Brien Ana", "D’Angelo Luz", "Juan Vera Juan", "Canas Ana", "Cañas Vega Ana"]
    rows = [row(f"1800000{number:02}", name) for number, name in enumerate(people)]
    load_file(bureau, io.BytesIO(csv_bytes(rows)))

    def found(asked: str) -> list[str]:
        return [person.full_name for person in service.FindRiskByName(asked) or ()]

    assert found("obrien") == found("o'brien") == found("o brien") == ["O'Brien Ana"]
    assert found("dangelo") == ["D’Angelo Luz"]
    assert found("juan juan") == ["Juan Vera Juan"]  # not the 150 of one Juan
    assert found("jua jua") == ["Juan Vera Juan"]
    assert found("cañas") == ["Cañas Vega Ana", "Canas Ana"]
    assert found("canas") == ["Canas Ana", "Cañas Vega Ana"]


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
        host = {"Host": "riesgos.example:81"}
        reply = httpx.get(f"{server}{path}?wsdl", headers=host)
        for query in ("WSDL", "wsdl=1", "singleWsdl", "singlewsdl&x=y"):
            assert httpx.get(f"{server}{path}?{query}", headers=host).content == reply.content
        root = etree.fromstring(reply.content)
        assert root.get("targetNamespace") == "urn:pregon:risk-central:v1"
        assert root.xpath("//*[local-name()='service']/@name") == ["RiskCentral"]
        address = root.xpath("//*[local-name()='address']/@location")
        assert address == [f"http://riesgos.example:81{path}"]


@pytest.mark.parametrize("path", ["/risk-central", "/risk-central/soap12"])
def test_the_wsdl_is_what_clients_of_every_kind_read(server: str, path: str) -> None:
    root: Any = etree.fromstring(httpx.get(f"{server}{path}?wsdl").content)
    other = "soap12" if path == "/risk-central" else "wsdl/soap/"
    assert not any(other in space for space in root.nsmap.values())  # gSOAP makes a client of it
    assert root.xpath("//w:message/w:part/@name", namespaces=WSDL) == ["parameters"] * 6 + ["fault"]
    for place in ("portType", "binding"):
        faults = root.xpath(f"//w:{place}/w:operation/w:fault/@name", namespaces=WSDL)
        assert faults == ["RiskFault"] * 3
    elements = root.xpath("//xs:complexType//xs:element", namespaces=WSDL)
    kinds = {element.get("name"): element.get("type") for element in elements}
    assert (kinds["score"], kinds["days_overdue"], kinds["limit"]) == ("xs:int",) * 3
    assert kinds["category"] == "tns:RiskCategory"
    values = root.xpath("//xs:simpleType[@name='RiskCategory']//@value", namespaces=WSDL)
    assert values == ["A1", "A2", "A3", "B1", "B2", "C1", "C2", "D", "E"]
