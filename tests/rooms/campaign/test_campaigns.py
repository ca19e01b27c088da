"""Campaigns: create, change, move through the phases."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared import trace
from shared.change import EMPTY
from shared.contracts import campaign as contract
from shared.contracts.campaign import AudienceState, CampaignChange, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.segments import dump
from shared.errors import Conflict, Invalid, NotFound
from tests.databases import outbox_of
from tests.rooms.campaign.conftest import EVERYBODY, Sessions, new_campaign, person


def names(stored: Sessions) -> list[str]:
    return [name for name, _ in outbox_of(stored)]


def missing(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [item.field for item in error.value.fields]


def test_a_new_campaign_is_a_draft_whose_audience_is_on_its_way(
    campaigns: Any, stored: Sessions
) -> None:
    created = campaigns.create_campaign(new_campaign(expected_revenue="500.50"))
    assert campaigns.get_campaign(created.id) == created
    assert (created.phase, created.owner) == (Phase.DRAFT, "jefe")
    assert created.expected_revenue == Decimal("500.50")
    assert created.audience.state is AudienceState.TRANSFERRING
    assert created.segment_summary == "Segmento {'all': []}"
    events: dict[str, Any] = dict(outbox_of(stored))
    assert events["audience_requested"]["definition"] == EVERYBODY
    assert events["campaign_changed"]["campaign"]["phase"] == "draft"
    [change] = campaigns.list_phase_changes(created.id)
    assert (change.old, change.new, change.by) == (None, Phase.DRAFT, "jefe")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"definition": None}, "definition"),
        ({"segment_id": 1}, "definition"),
        ({"starts_on": date(2026, 2, 1), "ends_on": date(2026, 1, 1)}, "ends_on"),
    ],
)
def test_a_wrong_plan_is_told_and_nothing_is_stored(
    campaigns: Any, stored: Sessions, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        campaigns.create_campaign(new_campaign(**changes))
    assert missing(error) == [field]
    assert names(stored) == []


def test_a_design_that_is_not_there_is_told(campaigns: Any) -> None:
    with pytest.raises(NotFound):
        campaigns.create_campaign(new_campaign(design_id=2))
    assert campaigns.list_campaigns().items == []


def test_the_same_creation_sent_twice_makes_one_campaign(campaigns: Any) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        first = campaigns.create_campaign(new_campaign())
        assert campaigns.create_campaign(new_campaign()) == first
        with pytest.raises(Conflict):
            campaigns.create_campaign(new_campaign(name="Otra"))
    assert len(campaigns.list_campaigns().items) == 1


def test_only_what_is_sent_changes_and_versions_grow(campaigns: Any, stored: Sessions) -> None:
    created = campaigns.create_campaign(new_campaign())
    changed = campaigns.update_campaign(created.id, CampaignChange.to(budget=Decimal(7)))
    assert changed == created.model_copy(update={"budget": Decimal(7), "version": 2})
    versions = [p["version"] for name, p in outbox_of(stored) if name == "campaign_changed"]
    assert versions == [1, 2]
    assert names(stored).count("audience_requested") == 1


def test_the_second_of_two_changes_learns_who_was_first(campaigns: Any) -> None:
    created = campaigns.create_campaign(new_campaign())
    seen = created.version
    campaigns.update_campaign(created.id, CampaignChange.to(goal="Vender", version=seen))
    with pytest.raises(Conflict, match=r"Jefa cambió esta campaña el .*\. Vuelva a abrirla"):
        campaigns.update_campaign(created.id, CampaignChange.to(budget=Decimal(7), version=seen))
    now = campaigns.get_campaign(created.id)
    assert (now.goal, now.budget) == ("Vender", Decimal(100))
    again = CampaignChange.to(budget=Decimal(7), version=now.version)
    assert campaigns.update_campaign(created.id, again).goal == "Vender"


def test_a_new_audience_is_nobodys_change(campaigns: Any, bring: Callable[..., Any]) -> None:
    created = campaigns.create_campaign(new_campaign())
    bring(created.id, [person(1)])
    change = CampaignChange.to(goal="Vender", version=created.version)
    assert campaigns.update_campaign(created.id, change).goal == "Vender"
    with pytest.raises(Conflict):
        campaigns.update_campaign(created.id, change)


def test_what_is_sent_as_it_is_changes_nothing_also_where_it_is_closed(
    campaigns: Any, stored: Sessions, bring: Callable[..., Any]
) -> None:
    created = campaigns.create_campaign(new_campaign(channels=["mail", "phone"], design_id=1))
    bring(created.id, [person(1)])
    campaigns.change_phase(created.id, Phase.PLANNED)
    running = campaigns.change_phase(created.id, Phase.EXECUTING)
    announced = names(stored).count("campaign_changed")
    same = CampaignChange.to(
        name=running.name, budget="100.00", channels=["phone", "mail"], definition=EVERYBODY
    )
    assert campaigns.update_campaign(created.id, same) == running
    assert names(stored).count("campaign_changed") == announced


@pytest.mark.parametrize("field", ["definition", "channels", "name", "budget", "control_share"])
def test_null_is_refused_where_a_campaign_needs_a_value(field: str) -> None:
    with pytest.raises(Invalid) as error:
        contract.update_campaign.decode_arguments({"campaign_id": 1, "change": {field: None}})
    assert [(item.field, item.message) for item in error.value.fields] == [(field, EMPTY)]


def test_another_definition_transfers_the_audience_anew(campaigns: Any, stored: Sessions) -> None:
    created = campaigns.create_campaign(new_campaign())
    other = {"field": "consent_mail", "is": True}
    changed = campaigns.update_campaign(created.id, CampaignChange.to(definition=other))
    assert dump(changed.definition) == other
    assert names(stored).count("audience_requested") == 2


# --- phases ---


def test_executing_needs_all_its_parts(campaigns: Any, bring: Callable[..., Any]) -> None:
    created = campaigns.create_campaign(new_campaign(channels=["mail"], budget="0"))
    campaigns.change_phase(created.id, Phase.PLANNED)
    with pytest.raises(Invalid) as error:
        campaigns.change_phase(created.id, Phase.EXECUTING)
    assert missing(error) == ["audience", "budget", "design_id"]
    bring(created.id, [])
    campaigns.update_campaign(created.id, CampaignChange.to(budget=Decimal(5), design_id=1))
    with pytest.raises(Invalid, match="Falta") as error:
        campaigns.change_phase(created.id, Phase.EXECUTING)
    assert missing(error) == ["audience"]
    campaigns.request_audience(created.id)
    bring(created.id, [person(1)])
    assert campaigns.change_phase(created.id, Phase.EXECUTING).phase is Phase.EXECUTING


def test_a_campaigns_life_is_told_with_who_and_why(
    campaigns: Any, stored: Sessions, bring: Callable[..., Any]
) -> None:
    created = campaigns.create_campaign(new_campaign())
    bring(created.id, [person(1)])
    steps = [
        (Phase.PLANNED, ""),
        (Phase.EXECUTING, ""),
        (Phase.PAUSED, "Feriado"),
        (Phase.EXECUTING, ""),
        (Phase.CLOSING, ""),
        (Phase.FINISHED, "Terminó"),
    ]
    for phase, reason in steps:
        moved = campaigns.change_phase(created.id, phase, reason)
        assert moved.phase is phase
    assert moved.next_phases == []
    told = campaigns.list_phase_changes(created.id)
    assert [(item.new, item.reason) for item in told[1:]] == steps
    announced: list[Any] = [p for name, p in outbox_of(stored) if name == "campaign_changed"]
    assert [item["campaign"]["phase"] for item in announced] == [
        "draft",
        *(phase for phase, _ in steps),
    ]
    with pytest.raises(Conflict):
        campaigns.request_audience(created.id)


def test_a_refused_step_leaves_no_trace(campaigns: Any, stored: Sessions) -> None:
    created = campaigns.create_campaign(new_campaign())
    before = names(stored)
    with pytest.raises(Conflict):
        campaigns.change_phase(created.id, Phase.FINISHED)
    with pytest.raises(Invalid):
        campaigns.change_phase(created.id, Phase.CANCELLED)
    assert campaigns.get_campaign(created.id).phase is Phase.DRAFT
    assert len(campaigns.list_phase_changes(created.id)) == 1
    assert names(stored) == before


def test_a_running_campaign_keeps_its_people_and_money(
    campaigns: Any, bring: Callable[..., Any]
) -> None:
    created = campaigns.create_campaign(new_campaign())
    bring(created.id, [person(1)])
    campaigns.change_phase(created.id, Phase.PLANNED)
    campaigns.change_phase(created.id, Phase.EXECUTING)
    with pytest.raises(Conflict, match="el presupuesto"):
        campaigns.update_campaign(created.id, CampaignChange.to(budget=Decimal(9)))
    assert campaigns.update_campaign(created.id, CampaignChange.to(script="Hola")).script == "Hola"


def test_asking_for_the_audience_while_it_comes_does_nothing_more(
    campaigns: Any, stored: Sessions
) -> None:
    created = campaigns.create_campaign(new_campaign())
    assert campaigns.request_audience(created.id).state is AudienceState.TRANSFERRING
    assert names(stored).count("audience_requested") == 1


# --- lists ---


def test_campaigns_come_newest_first_in_pages(campaigns: Any) -> None:
    ids = [campaigns.create_campaign(new_campaign(name=f"Número {n}")).id for n in range(3)]
    first = campaigns.list_campaigns(limit=2)
    rest = campaigns.list_campaigns(after=first.next, limit=2)
    assert [row.id for row in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None
    assert [row.id for row in campaigns.list_campaigns(search="RO 1").items] == [ids[1]]
    assert campaigns.list_campaigns(phase=Phase.EXECUTING).items == []


def test_campaigns_are_found_by_parts_of_words_in_any_order_whatever_their_accents(
    campaigns: Any,
) -> None:
    for name in ("Fibra en Quito", "Móvil prepago 100 %", "Fibra de Año Nuevo"):
        campaigns.create_campaign(new_campaign(name=name))

    def found(text: str) -> list[str]:
        return sorted(row.name for row in campaigns.list_campaigns(search=text).items)

    assert found("QUI fib") == ["Fibra en Quito"]
    assert found("ano fibra") == found("AÑO") == ["Fibra de Año Nuevo"]
    assert found("movil") == found("100 %") == ["Móvil prepago 100 %"]
    assert found("_") == []
    assert len(found("  ")) == 3


def test_campaigns_are_counted_and_sorted_as_asked(campaigns: Any) -> None:
    days = {"Una": date(2027, 1, 9), "Dos": None, "Tres": date(2027, 1, 2)}
    for name, day in days.items():
        changes = {"name": name, "starts_on": day, "ends_on": None, "channels": [Channel.MAIL]}
        campaigns.create_campaign(new_campaign(**changes))

    def sorted_by(order: str) -> list[str]:
        return [row.name for row in campaigns.list_campaigns(order=order).items]

    assert sorted_by("name") == ["Dos", "Tres", "Una"]
    assert sorted_by("-name") == ["Una", "Tres", "Dos"]
    assert sorted_by("starts_on") == ["Tres", "Una", "Dos"]  # who has no day is the last
    assert sorted_by("id") == ["Una", "Dos", "Tres"]
    for order in ("budget", "ends_on", "transferred"):
        assert sorted(sorted_by(order)) == sorted(days)
    some = campaigns.list_campaigns(channel=Channel.MAIL, search="s", limit=1, count=True)
    assert (len(some.items), some.total.rows, some.total.exact) == (1, 2, True)
    assert campaigns.list_campaigns(channel=Channel.PHONE).items == []


def test_members_are_found_by_cedula_and_by_surname_without_accents(
    campaigns: Any, bring: Callable[..., Any]
) -> None:
    created = campaigns.create_campaign(new_campaign())
    assert campaigns.list_members(created.id).items == []
    bring(created.id, [person(1, last_names="Ñauta Pérez"), person(2), person(3)])
    first = campaigns.list_members(created.id, limit=2)
    rest = campaigns.list_members(created.id, after=first.next, limit=2)
    assert [item.customer_id for item in (*first.items, *rest.items)] == [1, 2, 3]
    for search in ("nauta", "ÑAUTA pe", "0000000001"):
        found = campaigns.list_members(created.id, search=search).items
        assert [item.customer_id for item in found] == [1]


def test_a_campaign_that_is_not_there_is_not_found(campaigns: Any) -> None:
    for ask in (
        campaigns.get_campaign,
        campaigns.get_audience,
        campaigns.list_members,
        campaigns.list_phase_changes,
        campaigns.get_statistics,
        campaigns.request_audience,
    ):
        with pytest.raises(NotFound):
            ask(99)
