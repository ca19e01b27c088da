"""A change of a thing: only the fields that are sent count.

    class SegmentChange(Change, of=NewSegment):
        ...

has the fields of `NewSegment`, with their types and limits, and none of them has to be sent; what
the class declares itself comes in their place or beside them. `SegmentChange.to(name="Otro")` is
one, and its `sent()` is `{"name": "Otro"}`: a value that was not sent has no meaning, so nobody
reads it from the attribute.
"""

from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from shared.contract import Model, Whole

EMPTY = "Este campo no puede quedar vacío."
Version = Annotated[Whole, Field(ge=1)]


def _not_sent() -> None:
    """Stands where no value was sent; as a factory it is no default in the JSON schema."""


class Change(Model):
    """What to change; a null empties a field that may be empty."""

    version: Version | None = None  # of the thing as it was seen; None: whatever it is now

    def __init_subclass__(
        cls, of: type[Model] | None = None, but: Collection[str] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        for name, field in (of.model_fields if of else {}).items():
            if name not in but:
                kind = Annotated[field.annotation, *field.metadata] if field.metadata else None
                cls.__annotations__.setdefault(name, kind or field.annotation)
        for name in cls.__annotations__:
            setattr(cls, name, Field(default_factory=_not_sent))

    @classmethod
    def to(cls, **values: Any) -> Self:
        """A change to these values. Raises ValidationError."""
        return cls.model_validate(values)

    def sent(self) -> dict[str, Any]:
        """The new values by field."""
        return self.model_dump(exclude_unset=True, exclude={"version"})

    @field_validator("*", mode="wrap")
    @classmethod
    def _check_null(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        if value is not None:
            return read(value)
        try:
            return read(value)
        except ValidationError:
            raise ValueError(EMPTY) from None
