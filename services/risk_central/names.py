"""Names as they are asked for and found: words in any order, each for one word of the name.

A word is compared folded, by its beginning. An apostrophe joins or parts, as whoever asks likes:
O'Brien is found as `obrien`, `o'brien` and `o brien`. A letter ñ that is asked for is another
letter than n, so Cañas comes before Canas, and the other way round.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

from rapidfuzz import fuzz, process

from shared.ecuador.names import fold, tokens

_APOSTROPHE = re.compile(r"(?<=\w)['`](?=\w)")
_SIGNS = "'`"  # hundreds of characters become one of them, folded
_WORD = re.compile(r"\w+")
_CACHED = 50_000  # words there are few of: names are made of them

Words = tuple[str, ...]


def index_words(name: str) -> set[str]:
    """What a name is found by: its words, those with ñ also as they are, repeated ones as `w#2`."""
    words = name_words(name)
    found = {*words, *_joined(name), *with_enye(name)}
    for word, count in Counter(words).items():
        found.update(repeated(word, number) for number in range(2, count + 1))
    return found


def repeated(word: str, count: int) -> str:
    """What names are found by that have a word so many times; no beginning of words."""
    return word if count == 1 else f"{word}#{count}"


def is_beginning(indexed: str) -> bool:
    """Whether a word of the index is one that another may be the beginning of."""
    return indexed.isascii() and "#" not in indexed


def name_words(name: str) -> Words:
    """`tokens`, of whom there are many."""
    return tuple(chain.from_iterable(map(_tokens, name.split(" "))))


@lru_cache(_CACHED)
def _tokens(word: str) -> Words:
    return tuple(tokens(word))


def readings(text: str) -> list[Words]:
    """A name asked for, folded: with its apostrophes joining, then parting."""
    joined, parted = tuple(tokens(_APOSTROPHE.sub("", fold(text)))), tuple(tokens(text))
    return [joined] if joined == parted else [joined, parted]


def _joined(name: str) -> Words:
    """All words, with those that an apostrophe parts as one; none where there is no apostrophe."""
    folded = fold(name)
    found = any(sign in folded for sign in _SIGNS)
    return tuple(tokens(_APOSTROPHE.sub("", folded))) if found else ()


def with_enye(text: str) -> list[str]:
    """The words with an ñ, folded but for it: only names with the same ñ have them."""
    lower = _composed(text)
    if "ñ" not in lower:
        return []
    words = [word for word in _WORD.findall(lower) if "ñ" in word]
    return ["ñ".join(fold(part) for part in word.split("ñ")) for word in words]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


class Name:
    """A name as it is compared."""

    __slots__ = ("joined", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = name_words(text)
        self.joined = _joined(text)

    def matches(self, asked: Iterable[Words]) -> bool:
        """Whether each word of a reading is, or begins, another word of the name."""
        return any(_match(words, self.words) or _match(words, self.joined) for words in asked)


def _match(asked: Words, words: Words) -> bool:
    if len(set(asked).intersection(words)) == len(asked):  # as they mostly are
        return True
    left = list(words)
    for word in sorted(asked, key=len, reverse=True):
        found = next((name for name in left if name.startswith(word)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def rank(asked: str, names: Sequence[Name], limit: int) -> list[int]:
    """The places of the best names: those with the ñ asked for, then the closest ones.

    Of equal ones who is written as it was asked comes first, then by name; equal names stay in
    their order.
    """
    closeness = _closeness(" ".join(sorted(readings(asked)[0])), names)
    if marks := set(with_enye(asked)):
        closeness = [
            score + 100 * marks.issubset(with_enye(name.text))
            for score, name in zip(closeness, names, strict=True)
        ]
    worst = sorted(closeness, reverse=True)[:limit][-1:]
    best = [place for place, score in enumerate(closeness) if [score] >= worst]
    written = set(_WORD.findall(_composed(asked)))

    def order(place: int) -> tuple[float, int, Words]:
        exact = len(written.intersection(_WORD.findall(_composed(names[place].text))))
        return -closeness[place], -exact, names[place].words

    return sorted(best, key=order)[:limit]


def _closeness(asked: str, names: Sequence[Name]) -> list[float]:
    """From 0 to 100; the order of words does not matter."""
    sorted_names = [" ".join(sorted(name.joined or name.words)) for name in names]
    scores = [0.0] * len(names)
    for _, score, place in process.extract(asked, sorted_names, scorer=fuzz.ratio, limit=None):
        scores[place] = score
    return scores
