"""A second factor as rooms tell of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.contracts.identity import NewSecret, RecoveryCodes, SecondFactor
from tests.unit.gateway.conftest import FakeAsk

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODES = ["aaaa-bbbb-cccc-dddd", "eeee-ffff-gggg-hhhh"]


def refuse(error: Exception) -> Callable[..., Any]:
    def answer(**_: Any) -> None:
        raise error

    return answer


def set_up(rooms: FakeAsk, since: datetime | None = None, **how: Any) -> None:
    usual: dict[str, Any] = {"codes_left": 10 if since else 0, "required": False}
    factor = SecondFactor(since=since, **usual | how)
    uri = f"otpauth://totp/Preg%C3%B3n:rosa?secret={SECRET}&issuer=Preg%C3%B3n"
    rooms.answers["get_second_factor"] = lambda token: factor
    rooms.answers["prepare_second_factor"] = lambda: NewSecret(secret=SECRET, uri=uri)
    rooms.answers["set_second_factor"] = lambda **_: RecoveryCodes(codes=CODES)
    rooms.answers["renew_recovery_codes"] = lambda **_: RecoveryCodes(codes=CODES)
    rooms.answers["remove_second_factor"] = lambda **_: None
