"""The short way and spyne give equal answers; what the short way does not know, it passes on."""

import pytest
from lxml import etree
from redis import Redis

from services.risk_central.answers import Answers
from services.risk_central.envelope import SOAP_11, SOAP_12, Version
from tests.soap.people import PEOPLE, cedula

NAMESPACE = "urn:pregon:risk-central:v1"
KNOWN = [person["cedula"] for person in PEOPLE[:4]]


def message(version: Version, body: str, header: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{version.namespace}" xmlns:t="{NAMESPACE}">{header}'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def one(text: str, attributes: str = "") -> str:
    return f"<t:GetRiskByCedula><t:cedula{attributes}>{text}</t:cedula></t:GetRiskByCedula>"


def many(*cedulas: str) -> str:
    members = "".join(f"<t:string>{number}</t:string>" for number in cedulas)
    return f"<t:GetRisks><t:cedulas>{members}</t:cedulas></t:GetRisks>"


QUESTIONS = [
    *(one(number) for number in KNOWN),
    one(f" {KNOWN[0]} "),
    one(f"<![CDATA[{KNOWN[0]}]]>"),
    one(KNOWN[1][1:]),
    many(*KNOWN),
    many(*KNOWN, KNOWN[0], cedula("240000009")),
    many(cedula("240000009")),
    many(),
]
UNUSUAL = [
    one(""),
    one("1714307104"),
    one(cedula("240000009")),
    one(KNOWN[0], ' id="a"'),
    one(f"<b>{KNOWN[0]}</b>"),
    one(KNOWN[0]).replace("</t:cedula>", f"</t:cedula><t:cedula>{KNOWN[1]}</t:cedula>"),
    one(KNOWN[0]).replace("<t:cedula>", "<t:extra/><t:cedula>"),
    "<t:GetRiskByCedula/>",
    "<t:GetRisks/>",
    '<t:GetRisks><t:cedulas><t:string nil="true"/></t:cedulas></t:GetRisks>',
    many(KNOWN[0], "123"),
    many(*[KNOWN[0]] * 1001),
    many(KNOWN[0]).replace("t:string", "t:cedula"),
    "<t:FindRiskByName><t:name>maria</t:name><t:limit>x</t:limit></t:FindRiskByName>",
    "<t:FindRiskByName><t:name>maria guaman</t:name></t:FindRiskByName>",
]


def canonical(content: bytes) -> bytes:
    return bytes(etree.tostring(etree.fromstring(content), method="c14n"))


@pytest.fixture(params=[SOAP_11, SOAP_12], ids=["1.1", "1.2"])
def answers(bureau: Redis, request: pytest.FixtureRequest) -> Answers:
    return Answers(bureau, request.param)


@pytest.mark.parametrize("question", QUESTIONS + UNUSUAL)
@pytest.mark.parametrize(
    "header", ["", "<s:Header/>", '<s:Header><t:x xmlns:t="urn:x"/></s:Header>']
)
def test_both_ways_answer_alike(answers: Answers, question: str, header: str) -> None:
    content = message(answers.version, question, header)
    status, reply = answers.reply(content)
    spyne_status, spyne_reply = answers.by_spyne(etree.fromstring(content))
    assert status == spyne_status
    assert canonical(reply) == canonical(spyne_reply)


@pytest.mark.parametrize("question", QUESTIONS)
def test_usual_questions_take_the_short_way(
    answers: Answers, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "by_spyne", lambda _root: pytest.fail("went to spyne"))
    status, _ = answers.reply(message(answers.version, question))
    assert status == 200


@pytest.mark.parametrize("question", UNUSUAL)
def test_unusual_questions_go_to_spyne(
    answers: Answers, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "by_spyne", lambda _root: (200, b"spyne"))
    assert answers.reply(message(answers.version, question)) == (200, b"spyne")
