"""What the address of a list's page asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from services.gateway import addresses
from shared.lists import Listing


@dataclass(frozen=True)
class Search:
    """What an address asks of a list; what cannot be meant is not asked."""

    texts: Mapping[str, str]  # by argument, as the address has them
    values: Mapping[str, Any]
    after: str | None

    @classmethod
    def of(cls, request: Request, listing: Listing[Any]) -> "Search":
        names = [one.name for one in listing.filters]
        names += [name for name in ("search", "order") if name in listing.arguments]
        texts = {name: request.query_params.get(addresses.LISTS[name], "") for name in names}
        values = {name: listing.read(name, text) for name, text in texts.items() if text.strip()}
        known = {name: value for name, value in values.items() if value is not None}
        kept = {name: texts[name].strip() for name in known}
        return cls(kept, known, request.query_params.get(addresses.LISTS["after"]) or None)

    @property
    def query(self) -> str:
        """The address's part of it, without the place in the list."""
        return urlencode({addresses.LISTS[name]: text for name, text in self.texts.items()})

    @property  # noqa: V106  # templates use it
    def narrows(self) -> bool:
        """Whether it leaves something out."""
        return bool(self.values.keys() - {"order"})
