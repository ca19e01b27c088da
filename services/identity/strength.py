"""How soon a password would be guessed: by what people use and by its patterns, not its signs."""

import re

from zxcvbn import zxcvbn

from shared.ecuador.names import tokens
from shared.errors import Invalid

ENOUGH = 3  # of 4: a hundred million guesses are too few
_BETWEEN = re.compile(r"[\W_]+")
LOOKED_AT = 72  # characters; those behind make no password weaker
WEAK = (
    "Esta contraseña se adivina con facilidad. Use varias palabras que no vayan juntas, sin su "
    "nombre, fechas ni repeticiones."
)


def check(password: str, *known: str) -> None:
    """Raises Invalid on `password` for one that is guessed soon by who knows these names."""
    names = ["pregon", *known, *(token for text in known for token in tokens(text))]
    forms = {password, _BETWEEN.sub("", password)} - {""}  # names with signs between are names
    if min(zxcvbn(form[:LOOKED_AT], user_inputs=names)["score"] for form in forms) < ENOUGH:
        raise Invalid.field("password", WEAK)
