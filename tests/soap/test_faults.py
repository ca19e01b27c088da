"""Faults as clients of every kind read them, and who is told what about envelopes and headers."""

import time
from typing import Any

import pytest
from lxml import etree
from redis import Redis

from services.risk_central import reading
from services.risk_central.answers import Answers
from services.risk_central.door import Door
from services.risk_central.envelope import SOAP_11, SOAP_12, Version
from tests.soap.people import PASSWORD, PEOPLE, USER, cedula
from tests.soap.test_limits import ask

TNS = "urn:pregon:risk-central:v1"
KNOWN, UNKNOWN = PEOPLE[0]["cedula"], cedula("240000009")
NAMES = {"s11": SOAP_11.namespace, "s12": SOAP_12.namespace, "t": TNS}
PATHS = {SOAP_11: "/risk-central", SOAP_12: "/risk-central/soap12"}
BOTH = pytest.mark.parametrize("version", [SOAP_11, SOAP_12], ids=["1.1", "1.2"])


def message(version: Version, body: str, header: str = "", root: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return (
        f'<s:Envelope xmlns:s="{version.namespace}" xmlns:t="{TNS}"{root}>{head}'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def one(number: str) -> str:
    return f"<t:GetRiskByCedula><t:cedula>{number}</t:cedula></t:GetRiskByCedula>"


@pytest.fixture
def door(bureau: Redis) -> Door:
    return Door(bureau, USER, PASSWORD)


def asked(door: Door, version: Version, body: bytes, **changes: Any) -> tuple[str, Any]:
    status, reply = ask(door, body, PATH_INFO=PATHS[version], **changes)
    return status, etree.fromstring(reply)


def text(root: Any, path: str) -> str:
    return str(root.xpath(f"string({path})", namespaces=NAMES))


def qname(root: Any, path: str) -> tuple[str | None, str]:
    """A name in a text, by the prefixes that hold there."""
    (element,) = root.xpath(path, namespaces=NAMES)
    prefix, _, name = element.text.rpartition(":")
    return element.nsmap.get(prefix or None), name


def test_a_fault_of_soap_11_has_a_detail_with_its_code(door: Door) -> None:
    status, root = asked(door, SOAP_11, message(SOAP_11, one(UNKNOWN)))
    assert status == "500"
    assert qname(root, "//faultcode") == (SOAP_11.namespace, "Client.NotFound")
    assert text(root, "//detail/t:RiskFault/t:code") == "NotFound"
    assert text(root, "//detail/t:RiskFault/t:message") == text(root, "//faultstring")
    assert not root.xpath("//faultactor")  # an empty one is no address


def test_a_fault_of_soap_12_has_a_qualified_subcode_a_detail_and_status_400(door: Door) -> None:
    status, root = asked(door, SOAP_12, message(SOAP_12, one(UNKNOWN)))
    assert status == "400"
    assert qname(root, "//s12:Code/s12:Value") == (SOAP_12.namespace, "Sender")
    assert qname(root, "//s12:Subcode/s12:Value") == (TNS, "NotFound")
    assert text(root, "//s12:Detail/t:RiskFault/t:code") == "NotFound"
    parts = [etree.QName(part).localname for part in root.xpath("//s12:Fault/*", namespaces=NAMES)]
    assert parts == ["Code", "Reason", "Detail"]


@BOTH
def test_a_message_of_another_version_is_told_so(door: Door, version: Version) -> None:
    other = SOAP_12 if version is SOAP_11 else SOAP_11
    for envelope in (other.namespace, "urn:nobody"):
        body = message(version, one(KNOWN)).replace(version.namespace.encode(), envelope.encode())
        status, root = asked(door, version, body)
        assert status == "500"
        assert qname(root, "//faultcode") == (SOAP_11.namespace, "VersionMismatch")
        assert len(root.xpath("//s12:Upgrade/s12:SupportedEnvelope", namespaces=NAMES)) == 2


@BOTH
def test_a_header_that_must_be_understood_is_not(door: Door, version: Version) -> None:
    for told in ("1", "true"):
        header = f'<x:Sign xmlns:x="urn:x" s:mustUnderstand="{told}"/>'
        status, root = asked(door, version, message(version, one(KNOWN), header))
        assert status == "500"
        code = "//faultcode" if version is SOAP_11 else "//s12:Code/s12:Value"
        assert qname(root, code) == (version.namespace, "MustUnderstand")
        assert not root.xpath("//t:RiskFault", namespaces=NAMES)
    if version is SOAP_12:
        assert text(root, "//s12:NotUnderstood/@qname") == "q:Sign"
        assert root.xpath("//s12:NotUnderstood", namespaces=NAMES)[0].nsmap["q"] == "urn:x"


@BOTH
@pytest.mark.parametrize(
    "header",
    [
        '<x:Sign xmlns:x="urn:x"/>',
        '<x:Sign xmlns:x="urn:x" s:mustUnderstand="0"/>',
        '<x:Sign xmlns:x="urn:x" s:mustUnderstand="1" s:{role}="urn:somebody-else"/>',
    ],
)
def test_other_headers_change_nothing(door: Door, version: Version, header: str) -> None:
    header = header.replace("{role}", version.role)
    status, root = asked(door, version, message(version, one(KNOWN), header))
    assert status == "200"
    assert text(root, "//t:cedula") == KNOWN


@BOTH
@pytest.mark.parametrize(
    ("operation", "code"),
    [("GetRisks", None), ("GetRiskByCedula", "InvalidCedula"), ("FindRiskByName", "InvalidName")],
)
def test_an_operation_that_is_nil_has_no_arguments(
    door: Door, version: Version, operation: str, code: str | None
) -> None:
    nil = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"'
    status, root = asked(door, version, message(version, f"<t:{operation} {nil}/>"))
    assert (status == "200") == (code is None)
    assert text(root, "//t:RiskFault/t:code") == (code or "")


@BOTH
def test_what_spyne_says_itself_is_said_in_our_words(door: Door, version: Version) -> None:
    limit = "<t:FindRiskByName><t:name>ana</t:name><t:limit>x</t:limit></t:FindRiskByName>"
    for body in ("<t:Nope/>", limit):
        _, root = asked(door, version, message(version, body))
        assert text(root, "//t:RiskFault/t:code") == "Malformed"
        assert text(root, "//t:RiskFault/t:message") == "El mensaje no sigue el WSDL."


# --- bounds before spyne ---


def attributes(count: int) -> str:
    return " ".join(f"a{number}=''" for number in range(count))


def typed(count: int, attributes: str = "") -> str:
    strings = f"<t:string{attributes}>{KNOWN}</t:string>" * count
    return f"<t:GetRisks><t:cedulas>{strings}</t:cedulas></t:GetRisks>"


@BOTH
def test_a_client_that_writes_a_type_at_each_cedula_may(door: Door, version: Version) -> None:
    kind = (
        ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:x="http://www.w3.org/2001/XMLSchema" i:type="x:string"'
    )
    status, _ = asked(door, version, message(version, typed(1000, kind)))
    assert status == "200"


def children(count: int, child: str = "<t:a/>") -> str:
    return f"<t:GetRisks>{child * count}</t:GetRisks>"


def nested(depth: int) -> str:
    return "<t:a>" * depth + "</t:a>" * depth


def spread(count: int) -> str:
    """Attributes, four an element."""
    four, left = divmod(count, 4)
    return children(four, f"<t:a {attributes(4)}/>").replace(
        "<t:a", f"<t:a/><t:a {attributes(left)}/><t:a", 1
    )


def spaces(count: int) -> str:
    told = " ".join(f"xmlns:a{number}='u'" for number in range(count))
    return f"<t:GetRisks {told}/>"


BOUNDS: dict[str, tuple[Any, int]] = {  # the most of ours, beside those of the envelope
    "attributes of one": (
        lambda n: f"<t:GetRisks {attributes(n)}/>",
        reading.MAX_ATTRIBUTES_OF_ONE,
    ),
    "attributes": (spread, reading.MAX_ATTRIBUTES),
    "elements": (children, reading.MAX_ELEMENTS - 3),
    "levels": (nested, reading.MAX_DEPTH - 2),
    "namespaces": (spaces, reading.MAX_NAMESPACES - 2),
}


@pytest.mark.parametrize("what", BOUNDS)
def test_odd_messages_are_refused_before_spyne(
    bureau: Redis, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, most = BOUNDS[what]
    answers = Answers(bureau, SOAP_11)
    monkeypatch.setattr(answers, "by_spyne", lambda _root: (200, b"spyne"))
    assert answers.reply(message(SOAP_11, make(most)))[1] == b"spyne"
    status, reply = answers.reply(message(SOAP_11, make(most + 1)))
    assert status == 500
    assert b"Client." in reply


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7", "cp037"])
def test_a_dtd_is_refused_before_anybody_reads_it(bureau: Redis, encoding: str) -> None:
    """libxml2 takes seconds for so many attributes; other tests send DTDs of other kinds."""
    declared = "".join(f"<!ATTLIST x a{number} CDATA 'y'>" for number in range(15_000))
    text = f"<!DOCTYPE x [{declared}]>{message(SOAP_11, one(KNOWN)).decode()}"
    began = time.process_time()
    status, reply = Answers(bureau, SOAP_11).reply(text.encode(encoding), encoding)
    assert (status, b"Client.Malformed" in reply) == (500, True)
    assert time.process_time() - began < 0.5
