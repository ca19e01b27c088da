"""The WSDL as spyne draws it, finished so that clients of every kind understand it."""

from lxml import etree

from services.risk_central.envelope import NAMESPACE
from services.risk_central.faults import DETAIL

_Element = etree._Element
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_XS = "http://www.w3.org/2001/XMLSchema"
_NAMES = {"w": _WSDL, "xs": _XS}
_IN_VALUES = ["tns", "xs"]  # prefixes of names that stand in attributes
_ORDER = ("types", "message", "portType", "binding", "service")
_DETAIL_TYPE = f"{DETAIL}Detail"


def finished(document: bytes) -> bytes:
    """The same service, described as the oldest and the strictest clients want it."""
    root = etree.fromstring(document)
    _name_parts(root)
    _declare_faults(root)
    root[:] = sorted(root, key=lambda part: _ORDER.index(etree.QName(part).localname))
    # gSOAP makes a client of each binding that is declared, used or not
    etree.cleanup_namespaces(root, keep_ns_prefixes=_IN_VALUES)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _name_parts(root: _Element) -> None:
    """The name by which .NET and JAX-WS know that the arguments are the element's children."""
    for part in _all(root, "w:message/w:part"):
        part.set("name", "parameters")
    for operation in _all(root, "w:portType/w:operation"):
        operation.attrib.pop("parameterOrder", "")


def _declare_faults(root: _Element) -> None:
    """One for all operations: its code tells which."""
    (schema,) = _all(root, "w:types/xs:schema")
    schema.append(_detail_type())
    schema.append(_xs("element", name=DETAIL, type=f"tns:{_DETAIL_TYPE}"))
    message = etree.SubElement(root, _wsdl("message"), name=DETAIL)
    etree.SubElement(message, _wsdl("part"), name="fault", element=f"tns:{DETAIL}")
    for operation in _all(root, "w:portType/w:operation"):
        etree.SubElement(operation, _wsdl("fault"), name=DETAIL, message=f"tns:{DETAIL}")
    for operation in _all(root, "w:binding/w:operation"):
        _bind_fault(operation)


def _bind_fault(operation: _Element) -> None:
    fault = etree.SubElement(operation, _wsdl("fault"), name=DETAIL)
    soap = etree.QName(operation[0]).namespace  # the binding's own, of SOAP 1.1 or 1.2
    etree.SubElement(fault, f"{{{soap}}}fault", name=DETAIL, use="literal")


def _detail_type() -> _Element:
    kind = _xs("complexType", name=_DETAIL_TYPE)
    sequence = etree.SubElement(kind, f"{{{_XS}}}sequence")
    for name in ("code", "message"):
        sequence.append(_xs("element", name=name, type="xs:string"))
    return kind


def _xs(tag: str, **attributes: str) -> _Element:
    return etree.Element(f"{{{_XS}}}{tag}", attributes, nsmap={"xs": _XS, "tns": NAMESPACE})


def _wsdl(name: str) -> str:
    return f"{{{_WSDL}}}{name}"


def _all(root: _Element, path: str) -> list[_Element]:
    return root.findall(path, _NAMES)
