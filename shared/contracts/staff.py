"""Names and hours of the people who work with the product."""

from typing import Annotated

from pydantic import Field

from shared.words import Term

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,39}$")]
RoleCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]  # in Ecuador


class Weekday(Term):
    """Days of the week, which begins on Monday."""

    MONDAY = "monday", "Lunes"
    TUESDAY = "tuesday", "Martes"
    WEDNESDAY = "wednesday", "Miércoles"
    THURSDAY = "thursday", "Jueves"
    FRIDAY = "friday", "Viernes"
    SATURDAY = "saturday", "Sábado"
    SUNDAY = "sunday", "Domingo"
