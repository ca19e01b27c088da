"""Who is in an audience: in part on pages, whole only as a file for a reason."""

from collections.abc import Callable
from typing import Any

import pytest

from shared import trace
from shared.contracts.exports import ExportReason, ExportWhy
from shared.errors import Denied
from shared.permissions import Role
from tests.databases import audited_of
from tests.make.actors import make_actor
from tests.rooms.campaign.conftest import Sessions, new_campaign, person

WHY = ExportWhy(reason=ExportReason.AUTHORITY)
SEES_ALL = make_actor("bea", Role.BACKOFFICE)
ANA = person(1, cedula="1710034065", email="ana@correo.example", phone="+593991234567")


@pytest.fixture
def audience(campaigns: Any, bring: Callable[..., Any]) -> int:
    """The second of two campaigns with Ana."""
    for name in ("Fibra", "Móvil"):
        last: int = campaigns.create_campaign(new_campaign(name=name)).id
        bring(last, [ANA])
    return last


def test_members_are_shown_in_part(campaigns: Any, audience: int) -> None:
    [member] = campaigns.list_members(audience).items
    assert (member.cedula, member.email) == ("171•••••65", "a•••@correo.example")
    assert (member.phone, member.masked) == ("09•••••567", ["cedula", "email", "phone"])
    [found] = campaigns.list_members(audience, search="1710034065").items
    assert found == member
    assert campaigns.list_members(audience, search="17100").items == []
    with trace.use(actor=SEES_ALL):
        [member] = campaigns.list_members(audience).items
    assert (member.cedula, member.masked) == ("1710034065", [])


@pytest.mark.usefixtures("audience")
def test_repeated_customers_are_shown_in_part(campaigns: Any) -> None:
    [row] = campaigns.get_repeated_customers().customers
    assert (row.cedula, row.masked) == ("171•••••65", ["cedula"])
    with trace.use(actor=SEES_ALL):
        assert campaigns.get_repeated_customers().customers[0].cedula == "1710034065"


@pytest.mark.usefixtures("audience")
def test_a_file_of_them_is_whole_for_a_reason(campaigns: Any, stored: Sessions) -> None:
    before = len(audited_of(stored))
    assert campaigns.export_repeated_customers(WHY).customers[0].cedula == "1710034065"
    assert audited_of(stored)[before]["purpose"] == "Pedido de la autoridad"
    assert campaigns.export_repeated_customers().customers[0].cedula == "171•••••65"
    with trace.use(actor=SEES_ALL):
        assert campaigns.export_repeated_customers().customers[0].cedula == "171•••••65"
        with pytest.raises(Denied):
            campaigns.export_repeated_customers(WHY)
