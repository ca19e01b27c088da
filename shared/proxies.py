"""Where a request comes from when fronts stand before us: their word counts, nobody else's.

A front adds who came to it to `X-Forwarded-For` (or `Forwarded`, RFC 7239). Whatever a client
wrote there itself stands to the left of it, so the list is read from the right, as long as the
addresses are those of `PREGON_TRUSTED_PROXIES`. Where the two headers tell of different clients
one of them was not written by the front: then the front itself counts as the client.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from shared.settings import settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?")
_PAIR = re.compile(r'\s*(\w+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))\s*(?:;|$)')
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True)
class Origin:
    """Whom a request is from, and by which address they asked."""

    address: str
    scheme: str
    host: str


def read(direct: Origin, headers: Mapping[str, str]) -> Origin:
    """The origin behind trusted fronts; `headers` has lower-case names, repeated ones joined."""
    if not is_trusted(direct.address):
        return direct
    chain = _split(headers.get("x-forwarded-for", ""))
    elements = [_pairs(element) for element in _split(headers.get("forwarded", ""))]
    scheme = _last(headers, elements, "proto").lower()
    host = _last(headers, elements, "host")
    return Origin(
        _client(direct.address, chain, [pairs.get("for", "") for pairs in elements]),
        scheme if scheme in _SCHEMES else direct.scheme,
        host if HOST.fullmatch(host) else direct.host,
    )


def _client(direct: str, chain: list[str], forwarded: list[str]) -> str:
    found = {_farthest(direct, names) for names in (chain, forwarded) if names}
    return found.pop() if len(found) == 1 else direct


def _farthest(direct: str, names: list[str]) -> str:
    """The first address from the right that is no front's; a word that is none ends the list."""
    address = direct
    for name in reversed(names):
        if (heard := _address(name)) is None:
            break
        address = heard
        if not is_trusted(address):
            break
    return address


def is_trusted(address: str) -> bool:
    """Whether an address is a front's of ours."""
    heard = _address(address)
    return heard is not None and _is_in(heard, settings().trusted_proxies)


@lru_cache(maxsize=4096)
def _is_in(address: str, networks: str) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in parse_networks(networks))


def parse_networks(text: str) -> list[Network]:
    """Addresses and networks, separated by commas. Raises ValueError."""
    return [ipaddress.ip_network(word, strict=False) for word in _split(text)]


def _address(name: str) -> str | None:
    """Of `203.0.113.7`, with a port or not, or `[2001:db8::1]:4711`; None for what is none."""
    name = name.strip()
    bare = name[1:].partition("]")[0] if name.startswith("[") else name
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


def _last(headers: Mapping[str, str], elements: list[dict[str, str]], name: str) -> str:
    """What the front that is nearest to us says of the client's scheme or host."""
    words = _split(headers.get(f"x-forwarded-{name}", ""))
    return words[-1] if words else (elements[-1].get(name, "") if elements else "")


def _split(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _pairs(element: str) -> dict[str, str]:
    return {
        match[1].lower(): match[2] if match[2] is not None else match[3]
        for match in _PAIR.finditer(element)
    }
