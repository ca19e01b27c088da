"""Parameters of page addresses. People read them, so they are Spanish; the API's are English.

`search: Search = ""` among a page's parameters is `?buscar=` in its address.
"""

from datetime import date
from typing import Annotated

from fastapi import Query

from shared.contract import Id

Search = Annotated[str, Query(alias="buscar")]
After = Annotated[str | None, Query(alias="desde")]  # a list's cursor, as kit.pagination writes it
Campaign = Annotated[str, Query(alias="campana")]
CampaignId = Annotated[int | None, Query(alias="campana")]
OneCampaign = Annotated[Id, Query(alias="campana")]
Customer = Annotated[str, Query(alias="cliente")]
CustomerId = Annotated[int | None, Query(alias="cliente")]
Advisor = Annotated[str, Query(alias="asesor")]
Phase = Annotated[str, Query(alias="fase")]
Province = Annotated[str, Query(alias="provincia")]
Category = Annotated[str, Query(alias="categoria")]
Day = Annotated[
    date | None, Query(alias="fecha", ge=date(2000, 1, 1), le=date(2099, 12, 31))
]  # of a calendar
Role = Query(alias="rol")
State = Query(alias="estado")
Seen = Query(alias="visto")  # the state that the rest of the page shows
Form = Query(alias="formato")  # of a table that is taken away
Width = Annotated[str, Query(alias="ancho")]
Back = Annotated[str, Query(alias="volver")]  # where the log-in leads


LISTS = {  # of lists: an argument of their procedures, in addresses
    "search": "buscar",
    "order": "orden",
    "after": "desde",
    "active": "habilitado",
    "channel": "canal",
    "phase": "fase",
    "role": "rol",
}


def day(text: str) -> date | None:
    """A day as it was typed into an address; what is none is no filter."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None
