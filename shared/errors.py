"""The five errors that cross a door. Their messages are Spanish: a person will read them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from shared.bounds import printable


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field and what to do about it; `field` is a dotted path.

    Both may repeat what somebody sent, so they are made such that every answer can carry them.
    """

    field: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", printable(self.field))
        object.__setattr__(self, "message", printable(self.message))


class PregonError(Exception):
    """An answer a door gives on purpose; anything else that is raised is a defect."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, fields: Iterable[FieldError | Mapping[str, str]] = ()) -> None:
        self.message = printable(message)
        self.fields = tuple(
            item if isinstance(item, FieldError) else FieldError(**item) for item in fields
        )
        super().__init__(self.message, [asdict(field) for field in self.fields])

    def __str__(self) -> str:
        return self.message


class NotFound(PregonError):  # noqa: N818  # the five names are the contract
    """There is no such thing, or not for this actor."""

    status = 404


class Conflict(PregonError):  # noqa: N818  # see NotFound
    """The state of the thing does not allow this now."""

    status = 409


class Invalid(PregonError):  # noqa: N818  # see NotFound
    """The request is wrong; `fields` says where."""

    status = 422

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """One wrong field; its message is also the error's."""
        return cls(message, [FieldError(field, message)])

    def names(self, *fields: str) -> bool:
        """Whether one of these fields is among the wrong ones."""
        return any(error.field in fields for error in self.fields)


class Denied(PregonError):  # noqa: N818  # see NotFound
    """The actor may not do this."""

    status = 403


class Unavailable(PregonError):  # noqa: N818  # see NotFound
    """A part that is needed does not answer now; trying again later may do."""

    status = 503


BY_NAME: dict[str, type[PregonError]] = {
    error.__name__: error for error in (NotFound, Conflict, Invalid, Denied, Unavailable)
}


def from_wire(error: Mapping[str, Any]) -> PregonError:
    """The error a remote room sent, as nameko writes it; an unknown class is its defect.

    The defect's own text stays in the room's log under the same trace id: it may hold data.
    """
    kind = BY_NAME.get(str(error.get("exc_type")))
    if kind is None:
        return Unavailable("El servicio no pudo completar la operación. Intente de nuevo.")
    return kind(*error.get("exc_args", ()))
