"""A question's line in the door's stream: how it is written, how it is read, how long it can be.

People stand in it as the twelve bytes of their fingerprints, fifty in an entry of the stream; those
beyond are in entries right behind it, written in the same step. So no entry has more than about a
kilobyte, and a stream of so many entries no more than so many kilobytes, whatever is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared import audit

FINGERPRINT_BYTES = 12
PEOPLE_BYTES = 50 * FINGERPRINT_BYTES  # of an entry
_LONGEST_ADDRESS = 45  # of IPv6 with one of IPv4 in it
_MARK = "#"


def begin(client: str, operation: str, persons: int, address: str, milliseconds: int) -> str:
    """What is known of a question before it is known how it ended."""
    who = f"{client}\t{operation}\t{persons}\t{address[:_LONGEST_ADDRESS]}"
    return f"{who}\t{milliseconds}\t"


def end(outcome: str, known: int, number: int) -> str:
    """The rest, of a line without people; as the meter's script writes it."""
    return f"{outcome}\t{known}\t{number}\t0"


def pack(cedulas: Sequence[str]) -> bytes:
    """People as they stand in the stream."""
    return bytes.fromhex("".join(audit.fingerprints(cedulas)).replace(_MARK, ""))


def unpack(people: bytes) -> list[str]:
    """As the record of who saw what has them."""
    each = range(0, len(people), FINGERPRINT_BYTES)
    return [_MARK + people[at : at + FINGERPRINT_BYTES].hex() for at in each]


@dataclass
class Line:
    """One question, as it is read back."""

    place: str  # of its first entry
    last: str  # of its last one
    client: str
    operation: str
    persons: int
    address: str
    milliseconds: int
    outcome: str
    known: int
    number: int  # counted since counting began
    size: int  # of its people
    people: bytes

    @property
    def is_whole(self) -> bool:
        """Whether all of its entries were read."""
        return len(self.people) == self.size


def read(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Line]:
    """Those that begin in these entries; of what lost its beginning nothing is told."""
    found: list[Line] = []
    for place, fields in entries:
        if b"line" in fields:
            found.append(_line(place.decode(), *fields.values()))
        elif found:
            found[-1].last = place.decode()
            found[-1].people += fields[b"more"]
    return found


def _line(place: str, line: bytes, people: bytes = b"") -> Line:
    client, operation, persons, address, *rest = line.decode().split("\t")
    spent, outcome, known, number, size = rest
    told = (int(persons), address, int(spent), outcome, int(known), int(number), int(size))
    return Line(place, place, client, operation, *told, people)
