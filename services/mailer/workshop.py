"""Designs handed to a process that may be killed; what ends it is refused, not tried again."""

from collections.abc import Mapping
from typing import Any

from services.mailer import designs
from shared.contracts.mailer import NewDesign
from shared.errors import Invalid
from shared.killable import Killable, KilledError

_bench = Killable("services.mailer.workbench")
_TOO_MUCH = (
    "El diseño es demasiado complejo: revisarlo pasa del tiempo o de la memoria permitidos. "
    "Quite tablas, estilos o atributos que no haga falta tener."
)


def warm_up() -> None:
    """Have a process ready for the first design."""
    _bench.warm_up()


def build(new: NewDesign) -> dict[str, Any]:
    """A design's columns. Raises Invalid, NotFound, Unavailable."""
    designs.check_size(new.html or "")
    found: dict[str, Any] = _run(
        "build", name=new.name, subject=new.subject, html=new.html, file_key=new.file_key
    )
    return found


def fill(design: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """A kept design's subject, HTML and text as one person gets them.

    Raises Invalid, Unavailable.
    """
    found: dict[str, str] = _run("fill", **design, values=dict(values))
    return found


def _run(function: str, **arguments: Any) -> Any:
    try:
        return _bench.run(function, **arguments)
    except KilledError:
        raise Invalid.field("html", _TOO_MUCH) from None
