"""Codes with their Spanish: what a value is called stands where the value is declared, once.

    class Phase(Term):
        DRAFT = "draft", "Borrador"

The code is the value: on the wire, in the database and in comparisons. The word is for people:
pages, messages, files and charts take it from the member. `docs/glossary.md` is made from these.
"""

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """An enum whose members are code, word and, where it differs, the word for several."""

    word: str
    plural: str

    def __new__(cls, code: str, word: str = "", plural: str = "") -> Self:
        """A member; one without a word is refused where it is declared."""
        return cls.make(code, word, plural)

    @classmethod
    def make(cls, code: str, word: str, plural: str = "") -> Self:
        """For a kind of term with a `__new__` of its own: an enum's cannot be called by `super`."""
        if not word:
            raise TypeError(f"{cls.__name__} {code!r} has no word")
        member = str.__new__(cls, code)
        member._value_ = str(code)  # plain, also where another term lends its code
        member.word = word
        member.plural = plural or word
        return member


UNKNOWN = "Sin dato"  # what a figure counts those under of whom nothing is known


def inside(text: str) -> str:
    """A word in the middle of a sentence: `en cierre`; what is all capitals (`A1`) stays."""
    return text if text.isupper() else text[:1].lower() + text[1:]


def list_terms() -> list[type[Term]]:
    """Every enum with words that has been imported, by name."""
    return sorted(_below(Term), key=lambda term: term.__name__)


def _below(term: type[Term]) -> list[type[Term]]:
    below = term.__subclasses__()
    return [*below, *(deeper for one in below for deeper in _below(one))]
