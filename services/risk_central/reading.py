"""From bytes to an envelope of this version, within bounds, whichever way it is answered then.

libxml2 reads whatever passes the door's megabyte in a tenth of a second: names are hashed, 256
levels are the most, entities of a DTD are not followed. What comes after it is slower: spyne's time
grows with the square of the attributes (40,000: 18 seconds), so its limits are checked here.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lxml import etree

from services.risk_central.envelope import Version
from services.risk_central.faults import (
    FaultError,
    MustUnderstandError,
    TooManyError,
    VersionMismatchError,
)

MAX_ELEMENTS = 5_000  # several times what the longest list needs
MAX_ATTRIBUTES = 10_000  # some clients write a type at each cédula
MAX_ATTRIBUTES_OF_ONE = 50
MAX_NAMESPACES = 5_000  # as with types
MAX_DEPTH = 32

_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)")
_ENCODINGS = re.compile(
    r"utf-?8|utf-?(16|32)(-?[bl]e)?|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?\d|(windows-|cp)125\d",
    re.IGNORECASE,
)

_Element = etree._Element
_count_attributes: Callable[[_Element], Any] = etree.XPath("count(//@*)")
_count_elements: Callable[[_Element], Any] = etree.XPath("count(//*)")
_has_one_too_many = etree.XPath(f"boolean(//@*[{MAX_ATTRIBUTES_OF_ONE + 1}])")
_is_too_deep = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")
_UNDERSTAND = ("1", "true")
_OURS = {  # actors and roles that are the one who answers
    None,
    "",
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
}


def read(body: bytes, encoding: str | None, version: Version) -> _Element:
    """The root of a request, without comments. Raises FaultError, also for any DTD.

    `encoding` is what the transport says, which goes before what the document says.
    """
    root = _parse(body, encoding)
    _check_size(root, body)
    _check_version(root, version)
    _check_headers(root, version)
    return root


def operation(root: _Element, version: Version) -> _Element:
    """The one element in the body. Raises FaultError where it is not there."""
    body = root.find(version.body)
    if body is None or len(body) != 1 or str(body[0].tag).startswith(f"{{{version.namespace}}}"):
        raise FaultError("El elemento Body debe contener una operación.")
    return body[0]


def _check_prolog(body: bytes, encoding: str | None) -> None:
    """Before libxml2, whose time grows with the square of a DTD's attributes (20,000: 5 seconds).

    In encodings where the bytes of `<!DOCTYPE` are those of ASCII, but for zeros between.
    """
    plain = body.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    declared = _DECLARED.match(plain)
    told = [encoding, declared[1].decode() if declared else None]
    if not plain.startswith(b"<") or not all(name is None or _is_usual(name) for name in told):
        raise FaultError("El mensaje no es XML bien formado.")
    if b"<!DOCTYPE" in plain:
        raise FaultError("El mensaje no puede llevar DOCTYPE.")


def _is_usual(encoding: str) -> bool:
    return _ENCODINGS.fullmatch(encoding) is not None


def _parse(body: bytes, encoding: str | None) -> _Element:
    _check_prolog(body, encoding)
    try:
        root = etree.fromstring(body, _parser(encoding))
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise FaultError("El mensaje no es XML bien formado.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FaultError("El mensaje no puede llevar DOCTYPE.")
    return root


@lru_cache(maxsize=8)
def _parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )


def _check_size(root: _Element, body: bytes) -> None:
    if _count_elements(root) > MAX_ELEMENTS:
        raise TooManyError(f"El mensaje tiene más de {MAX_ELEMENTS} elementos: divida la lista.")
    for what, count, most in (
        ("atributos", _count_attributes(root), MAX_ATTRIBUTES),
        # of any encoding; a value that looks like one counts, too
        ("espacios de nombres", body.replace(b"\0", b"").count(b"xmlns"), MAX_NAMESPACES),
    ):
        if count > most:
            raise FaultError(f"El mensaje tiene más de {most} {what}.")
    if _has_one_too_many(root):
        raise FaultError(f"Un elemento tiene más de {MAX_ATTRIBUTES_OF_ONE} atributos.")
    if _is_too_deep(root):
        raise FaultError(f"El mensaje tiene más de {MAX_DEPTH} niveles.")


def _check_version(root: _Element, version: Version) -> None:
    if root.tag == version.envelope:
        return
    wanted = f"Falta el elemento Envelope de {version.namespace}."
    if etree.QName(root).localname == "Envelope":
        raise VersionMismatchError(wanted)
    raise FaultError(wanted)


def _check_headers(root: _Element, version: Version) -> None:
    """None is understood, so each that must be is refused."""
    header = root.find(version.header)
    blocks = () if header is None else header
    if unknown := [str(block.tag) for block in blocks if _must_be_understood(block, version)]:
        raise MustUnderstandError(unknown)


def _must_be_understood(block: _Element, version: Version) -> bool:
    told = block.get(f"{{{version.namespace}}}mustUnderstand", "").strip()
    return told in _UNDERSTAND and block.get(f"{{{version.namespace}}}{version.role}") in _OURS
