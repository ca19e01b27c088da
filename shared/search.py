"""Finding by part of what something is called: every word, in any order, whatever its accents.

query.where(*search.holds(Campaign.name, "quito fibra"))
"""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func

from shared.ecuador.names import fold

# As `fold` writes them, for columns that hold what people typed; each letter has one in its place.
_MARKED = "áàäâãåéèëêíìïîóòöôõúùüûñçýÿ"
_PLAIN = "aaaaaaeeeeiiiiooooouuuuncyy"


def folded(column: SQLColumnExpression[Any]) -> ColumnElement[str]:
    """A column's text as `fold` has it, but for spaces and rare letters."""
    return func.translate(func.lower(column), _MARKED, _PLAIN)


def holds(column: SQLColumnExpression[Any], text: str | None) -> list[ColumnElement[bool]]:
    """That the column holds each word of the text, or a part of a word; nothing sought is none.

    It reads all rows: for lists of some thousands.
    """
    return [folded(column).contains(word, autoescape=True) for word in fold(text or "").split()]
