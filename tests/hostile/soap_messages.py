"""Odd SOAP messages to the bureau, in both versions: each is answered or refused, and soon."""

import gzip
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import httpx
from lxml import etree

from tests.hostile.tally import HUNG_SECONDS, Tally
from tests.hostile.world import World

TNS = "urn:pregon:risk-central:v1"
NS_11 = "http://schemas.xmlsoap.org/soap/envelope/"
NS_12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PATHS = {NS_11: "", NS_12: "/soap12"}
KNOWN = "1710034065"
_AT_ONCE = 4
_ODD_TEXTS = (
    "", " ", "0", "-1", "9" * 10, "9" * 5000, "1e1000000", "NaN", "ñ" * 300, "\u202e", "\U0001f4a9",
    "a" * 100_000, "' OR 1=1 --", "../../etc/passwd", "{{7*7}}", "%s%n", "&#x0A;", "&#0;",
    "&#xD800;", "&nothing;", "<![CDATA[<b>]]>", "<![CDATA[]]>" * 1000, "<!-- x -->1<!-- y -->",
    "<?x y?>", "\x01", "\x0b", "\x7f", "\x85", "\ufffe", "]]>", "maría " * 40, "o'" * 99,
    "´`’" * 60, "ñ ñ ñ", "juan " * 10, "2147483648", "٣", "²", "+20", "20.0", "0x14", "true",
)  # fmt: skip
_SIZES = (1, 49, 50, 51, 200, 1000, 5000, 40_000)


@dataclass(frozen=True)
class Message:
    """What is sent, and by which headers."""

    what: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def envelope(ns: str, body: str, header: str = "", more: str = "", prolog: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    begins = f'{prolog}<s:Envelope xmlns:s="{ns}" xmlns:t="{TNS}"{more}>'
    text = f"{begins}{head}<s:Body>{body}</s:Body></s:Envelope>"
    return text.encode("utf-8", "surrogatepass")


def one(number: str = KNOWN, attributes: str = "") -> str:
    return f"<t:GetRiskByCedula><t:cedula{attributes}>{number}</t:cedula></t:GetRiskByCedula>"


def by_name(name: str, limit: str = "5") -> str:
    return f"<t:FindRiskByName><t:name>{name}</t:name><t:limit>{limit}</t:limit></t:FindRiskByName>"


def many(members: str) -> str:
    return f"<t:GetRisks><t:cedulas>{members}</t:cedulas></t:GetRisks>"


def messages(ns: str) -> Iterator[Message]:
    """All of one version of SOAP."""
    for make in (_values, _sizes, _dtds, _encodings, _cut, _envelopes, _headers, _transports):
        yield from make(ns)


def _values(ns: str) -> Iterator[Message]:
    for text in _ODD_TEXTS:
        shown = repr(text[:30])
        yield Message(f"cédula {shown}", envelope(ns, one(text)))
        yield Message(f"name {shown}", envelope(ns, by_name(text)))
        yield Message(f"limit {shown}", envelope(ns, by_name("juan", text)))
        yield Message(f"member {shown}", envelope(ns, many(f"<t:string>{text}</t:string>")))
        quoted = text.replace("<", "&lt;").replace("'", "&apos;")
        yield Message(f"attribute {shown}", envelope(ns, one(attributes=f" x='{quoted}'")))


def _sizes(ns: str) -> Iterator[Message]:
    for n in _SIZES:
        attributes = "".join(f" a{number}=''" for number in range(n))
        spaces = "".join(f" xmlns:n{number}='u{number}'" for number in range(n))
        deep = min(n, 20_000)
        shapes = {
            "attributes": one(attributes=attributes),
            "attributes that are one twice": one(attributes=" a=''" * n),
            "ids and references": many("<t:string id='a' href='#a'/>" * min(n, 20_000)),
            "namespaces": one(attributes=spaces),
            "attributes in namespaces": one(attributes=spaces + attributes.replace(" a", " n0:a")),
            "levels": "<t:GetRisks>" + "<t:a>" * deep + "</t:a>" * deep + "</t:GetRisks>",
            "levels with namespaces": "<t:a xmlns:t='u'>" * deep + "</t:a>" * deep,
            "operations": one() * min(n, 8000),
            "cédulas": many(f"<t:string>{KNOWN}</t:string>" * min(n, 30_000)),
            "empty cédulas": many("<t:string/>" * n),
            "nil cédulas": many(f"<t:string xmlns:i='{XSI}' i:nil='true'/>" * min(n, 10_000)),
            "comments": "<!-- -->" * n + one(),
            "instructions": "<?a b?>" * n + one(),
            "references": one("&#49;" * n),
            "sections": one("<![CDATA[1]]>" * n),
            "a name's length": one().replace("t:cedula", "t:" + "c" * n),
            "text": one("9" * n * 20),
            "blanks": one() + " " * n * 20,
        }
        for what, body in shapes.items():
            yield Message(f"{n} {what}", envelope(ns, body))
        yield Message(f"{n} namespaces of the envelope", envelope(ns, one(), more=spaces))


def _dtds(ns: str) -> Iterator[Message]:
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
    inner = {
        "laughs": f'<!ENTITY a0 "ja">{laughs}',
        "a long entity": f'<!ENTITY a12 "{"x" * 100_000}">',
        "a file": '<!ENTITY a12 SYSTEM "file:///etc/passwd">',
        "an address": '<!ENTITY a12 SYSTEM "http://127.0.0.1:1/">',
        "a parameter": '<!ENTITY % p SYSTEM "file:///etc/passwd">%p;',
        "itself": '<!ENTITY a12 "&a12;">',
        "attributes": "".join(f"<!ATTLIST x a{n} CDATA 'y'>" for n in range(20_000)),
        "entities": "".join(f"<!ENTITY e{n} 'y'>" for n in range(30_000)),
    }
    for what, text in inner.items():
        for body in (one("&a12;"), one(attributes=" x='&a12;'"), one()):
            prolog = f"<!DOCTYPE x [{text}]>"
            yield Message(f"DTD with {what}", envelope(ns, body, prolog=prolog))
    outer = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'
    yield Message("DTD elsewhere", envelope(ns, one(), prolog=outer))


def _encodings(ns: str) -> Iterator[Message]:
    good = envelope(ns, by_name("Guamán")).decode()
    for name in (
        "utf-8",
        "utf-16",
        "utf-16-le",
        "utf-32",
        "iso-8859-1",
        "cp1252",
        "utf-7",
        "cp037",
    ):
        declared = f'<?xml version="1.0" encoding="{name}"?>{good}'.encode(name)
        yield Message(f"{name} declared", declared, {"Content-Type": "text/xml"})
        for told in (name, "utf-8", "klingon", "x" * 200, '"', "base64", "rot13", "undefined"):
            kind = {"Content-Type": f'text/xml; charset="{told}"'}
            yield Message(f"{name} told as {told[:20]}", good.encode(name), kind)
    for wrong in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00", b"\xc0\xbc"):
        yield Message(f"bytes {wrong!r}", envelope(ns, by_name("@")).replace(b"@", wrong))


def _cut(ns: str) -> Iterator[Message]:
    whole = envelope(ns, one())
    yield from (Message(f"cut at {at}", whole[:at]) for at in range(0, len(whole), 7))
    for odd in (b"{}", b"null", b"<a/>", b"\x1f\x8b", b"%PDF", b"\0" * 1000, b"<" * 100_000):
        yield Message(f"instead {odd[:10]!r}", odd)
    yield Message("twice", whole * 2)
    yield Message("with a rest", whole + b"rest")


def _envelopes(ns: str) -> Iterator[Message]:
    other = NS_12 if ns == NS_11 else NS_11
    for space in (other, "urn:x", "", "http://www.w3.org/2001/12/soap-envelope"):
        yield Message(f"version {space}", envelope(ns, one()).replace(ns.encode(), space.encode()))
    good = envelope(ns, one()).decode()
    bodies = {
        "no body": f"<s:Envelope xmlns:s='{ns}'/>",
        "two bodies": good.replace("</s:Envelope>", "<s:Body/></s:Envelope>"),
        "two headers": good.replace("<s:Body>", "<s:Header/><s:Header/><s:Body>"),
        "a header behind": good.replace("</s:Body>", "</s:Body><s:Header/>"),
        "an empty body": envelope(ns, "").decode(),
        "a fault": envelope(ns, "<s:Fault/>").decode(),
        "another operation": envelope(ns, "<t:Nope/>").decode(),
        "another namespace": envelope(ns, one().replace("t:", "s:")).decode(),
        "no namespace": envelope(ns, one().replace("t:", "")).decode(),
        "a response": envelope(ns, "<t:GetRisksResponse/>").decode(),
        "the same twice": envelope(ns, one() + one()).decode(),
        "an envelope within": envelope(ns, good).decode(),
        "nil": envelope(ns, f"<t:GetRisks xmlns:i='{XSI}' i:nil='1'/>").decode(),
        "another type": envelope(ns, one(attributes=f" xmlns:i='{XSI}' i:type='t:Nope'")).decode(),
        "XInclude": envelope(
            ns, one("<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>")
        ).decode(),
    }  # fmt: skip
    for what, text in bodies.items():
        yield Message(what, text.encode())


def _headers(ns: str) -> Iterator[Message]:
    for told in ("0", "1", "true", "false", "", "2", " 1 "):
        for to in ("", "urn:x", "http://schemas.xmlsoap.org/soap/actor/next", f"{NS_12}/role/next"):
            block = f"<x:a xmlns:x='urn:x' s:mustUnderstand='{told}' s:actor='{to}' s:role='{to}'/>"
            yield Message(f"mustUnderstand {told!r} for {to}", envelope(ns, one(), block))
    yield Message("1000 headers", envelope(ns, one(), "<x xmlns='urn:x'/>" * 1000))
    yield Message("a header of no namespace", envelope(ns, one(), "<x s:mustUnderstand='1'/>"))


def _transports(ns: str) -> Iterator[Message]:
    whole = envelope(ns, one())
    packed = gzip.compress(b" " * 50_000_000)
    for coding in ("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, gzip", "identity", "nonsense"):
        yield Message(f"coding {coding}", packed[:1_000_000], {"Content-Encoding": coding})
    for kind in (
        "",
        "text/plain",
        "application/json",
        "multipart/related; type=text/xml",
        "a/b/c",
        'application/soap+xml; action="urn:x"',
        "text/xml;;;",
        "text/xml; charset=",
        ";",
    ):
        yield Message(f"kind {kind}", whole, {"Content-Type": kind})  # fmt: skip
    for action in ("", '""', "nonsense", "x" * 8000):
        yield Message(f"action {action[:20]}", whole, {"SOAPAction": action})
    yield Message("a megabyte", whole + b" " * ((1 << 20) - len(whole)))
    yield Message("more than a megabyte", whole + b" " * (1 << 20))


def attack(world: World, each: int | None, seed: int) -> Tally:
    """All messages to both versions, or `each` tenths of them drawn by `seed`."""
    settings = world.product.settings
    credentials = (settings.get("PREGON_SOAP_USER", "soap"), settings["PREGON_SOAP_PASSWORD"])
    tally = Tally("soap_messages")
    with httpx.Client(auth=credentials, timeout=HUNG_SECONDS, trust_env=False) as client:
        strike(client, settings["PREGON_SOAP_URL"], tally, each, seed)
    return tally


def strike(client: httpx.Client, url: str, tally: Tally, each: int | None, seed: int) -> None:
    """The same against a server alone."""
    draw = random.Random(seed)
    for ns, path in PATHS.items():
        all_of = list(messages(ns))
        chosen = all_of if each is None else draw.sample(all_of, len(all_of) * each // 10)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(partial(_send, client, url + path, ns, tally), chosen))


def _send(client: httpx.Client, url: str, ns: str, tally: Tally, message: Message) -> None:
    usual = "text/xml; charset=utf-8" if ns == NS_11 else "application/soap+xml; charset=utf-8"
    headers = {"Content-Type": usual} | message.headers

    def ask() -> httpx.Response:
        answer = client.post(url, content=message.body, headers=headers)
        return _told(answer)

    tally.send(f"SOAP {ns[-20:]} {message.what}", ask)


def _told(answer: httpx.Response) -> httpx.Response:
    """A fault that says what is wrong is a refusal, whatever status SOAP wants for it."""
    if answer.status_code == 500 and _is_clear_fault(answer.content):
        answer.status_code = 422
    return answer


def _is_clear_fault(content: bytes) -> bool:
    """Of the sender's, in Spanish, with nothing of ours in it."""
    root = etree.fromstring(content)
    code = root.xpath("string(//faultcode)") or root.xpath("string(//*[local-name()='Value'])")
    ours = ("Client.", "Sender", "VersionMismatch", "MustUnderstand")
    about_sender = any(str(code).partition(":")[2].startswith(word) for word in ours)
    return about_sender and b"Traceback" not in content and b"root:" not in content
