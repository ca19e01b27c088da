"""Signing in by the company's provider, as a browser goes there and comes back."""

from typing import Any

from tests.provider.running import Running
from tests.rooms.identity.telephones import HERE


def come(identity: Any, company: Running, account: str = "ana", **changes: str) -> Any:
    """The whole way; `changes` are what the browser brings instead."""
    way = identity.begin_provider_log_in()
    brought = {"kept": way.kept, **company.answer(way.address, account), **changes}
    return identity.finish_provider_log_in(
        brought["kept"], brought["state"], brought["code"], HERE, "", "Firefox"
    )
