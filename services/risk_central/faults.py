"""Faults of both versions of SOAP, in one place whichever way a question went.

`RiskFault` is the detail that the WSDL declares: clients with classes of their own read the code
there. Faults about the header carry none (SOAP 1.1, 4.4; SOAP 1.2, 5.4.5).
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from services.risk_central.envelope import DECLARATION, NAMESPACE, SOAP_11, SOAP_12, Version

DETAIL = "RiskFault"
MALFORMED = "Client.Malformed"

_CODE = re.compile(rb"<tns:code>(\w+)</|:(VersionMismatch|MustUnderstand)</")
_SIDES = {"Client": "Sender", "Server": "Receiver"}


class FaultError(Exception):
    """A request that is answered with a fault; the text is Spanish."""

    code = MALFORMED

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class TooManyError(FaultError):
    """What only a list can be that is far too long."""

    code = "Client.TooMany"


class VersionMismatchError(FaultError):
    """An envelope of another version than the door's."""

    code = "VersionMismatch"


class MustUnderstandError(FaultError):
    """Header blocks that ask to be understood; nobody here understands any."""

    code = "MustUnderstand"

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = tags
        names = ", ".join(etree.QName(tag).localname for tag in tags)
        super().__init__(f"El servicio no conoce estas cabeceras: {names}.")


def code_in(reply: bytes) -> str:
    """The code of a fault that was written here, without who was wrong."""
    found = _CODE.search(reply)
    return (found[1] or found[2]).decode() if found else ""


def status(version: Version, code: str) -> HTTPStatus:
    """Only SOAP 1.2 tells by the status who was wrong (part 2, table 20)."""
    if version is SOAP_12 and code.startswith("Client"):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.INTERNAL_SERVER_ERROR


def fault(version: Version, code: str, message: str) -> bytes:
    """A fault with its detail; `code` is dotted and starts with Client or Server."""
    name = code.partition(".")[2] or code
    inner = f"<tns:code>{name}</tns:code><tns:message>{escape(message)}</tns:message>"
    detail = f'<tns:{DETAIL} xmlns:tns="{NAMESPACE}">{inner}</tns:{DETAIL}>'
    return _enveloped(version, _content(version, code, message, detail))


def refused(version: Version, error: FaultError) -> bytes:
    """The fault of a request that was not understood."""
    if isinstance(error, VersionMismatchError):
        return _version_mismatch(error)
    if isinstance(error, MustUnderstandError):
        return _must_understand(version, error)
    return fault(version, error.code, error.message)


def _version_mismatch(error: FaultError) -> bytes:
    """In SOAP 1.1, which those of both versions read; it says which there is (1.2, appendix A)."""
    supported = "".join(
        f'<u:SupportedEnvelope qname="e:Envelope" xmlns:e="{version.namespace}"/>'
        for version in (SOAP_12, SOAP_11)
    )
    header = f'<u:Upgrade xmlns:u="{SOAP_12.namespace}">{supported}</u:Upgrade>'
    return _enveloped(SOAP_11, _content(SOAP_11, error.code, error.message), header)


def _must_understand(version: Version, error: MustUnderstandError) -> bytes:
    header = ""
    if version is SOAP_12:
        header = "".join(_not_understood(etree.QName(tag)) for tag in error.tags)
    return _enveloped(version, _content(version, error.code, error.message), header)


def _not_understood(tag: etree.QName) -> str:
    env = SOAP_12.prefix
    if tag.namespace is None:
        return f"<{env}:NotUnderstood qname={quoteattr(tag.localname)}/>"
    space = quoteattr(tag.namespace)
    return f'<{env}:NotUnderstood qname="q:{tag.localname}" xmlns:q={space}/>'


def _content(version: Version, code: str, message: str, detail: str = "") -> str:
    env, text = version.prefix, escape(message)
    if version is SOAP_11:
        told = f"<detail>{detail}</detail>" if detail else ""
        return f"<faultcode>{env}:{code}</faultcode><faultstring>{text}</faultstring>{told}"
    told = f"<{env}:Detail>{detail}</{env}:Detail>" if detail else ""
    return (
        f"<{env}:Code>{_code_12(env, code)}</{env}:Code>"
        f'<{env}:Reason><{env}:Text xml:lang="es">{text}</{env}:Text></{env}:Reason>{told}'
    )


def _code_12(env: str, code: str) -> str:
    """A subcode is a qualified name: ours stands in our namespace."""
    side, _, name = code.partition(".")
    value = f"<{env}:Value>{env}:{_SIDES.get(side, side)}</{env}:Value>"
    if not name:
        return value
    inner = f'<{env}:Value xmlns:tns="{NAMESPACE}">tns:{name}</{env}:Value>'
    return f"{value}<{env}:Subcode>{inner}</{env}:Subcode>"


def _enveloped(version: Version, content: str, header: str = "") -> bytes:
    env = version.prefix
    head = f"<{env}:Header>{header}</{env}:Header>" if header else ""
    return (
        f'{DECLARATION}<{env}:Envelope xmlns:{env}="{version.namespace}">{head}<{env}:Body>'
        f"<{env}:Fault>{content}</{env}:Fault></{env}:Body></{env}:Envelope>"
    ).encode()
