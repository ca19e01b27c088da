"""What a campaign may do from where it stands."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.campaign.rules import (
    EDITABLE,
    NEXT,
    Plan,
    check_dates,
    check_editable,
    check_phase_change,
    cost_per,
)
from shared.contracts.campaign import AudienceState, CampaignChange, Phase
from shared.contracts.customer_query import Channel
from shared.errors import Conflict, Invalid

READY = Plan(
    phase=Phase.PLANNED,
    channels=frozenset({Channel.MAIL, Channel.PHONE}),
    budget=Decimal(100),
    starts_on=None,
    ends_on=None,
    design_id=1,
    audience_state=AudienceState.READY,
    audience=10,
)


STEPS = {  # as people know them; `NEXT` is compared with it
    "draft": "planned cancelled",
    "planned": "executing draft cancelled",
    "executing": "paused closing cancelled",
    "paused": "executing closing cancelled",
    "closing": "finished executing",
    "finished": "",
    "cancelled": "",
}
RUNNING = "goal ends_on design_id mail_subject script"
PLANNED = f"{RUNNING} name budget expected_revenue starts_on"
CHANGEABLE = {
    "draft": f"{PLANNED} channels definition control_share",
    "planned": PLANNED,
    "executing": RUNNING,
    "paused": RUNNING,
    "closing": "goal",
    "finished": "",
    "cancelled": "",
}


@pytest.mark.parametrize("phase", list(Phase))
def test_what_a_campaign_may_do_from_where_it_stands(phase: Phase) -> None:
    assert " ".join(NEXT[phase]) == STEPS[phase]
    assert EDITABLE[phase] == set(CHANGEABLE[phase].split())


@pytest.mark.parametrize("old", list(Phase))
@pytest.mark.parametrize("new", list(Phase))
def test_only_the_listed_steps_exist(old: Phase, new: Phase) -> None:
    plan = replace(READY, phase=old)
    if new in NEXT[old]:
        check_phase_change(plan, new, "porque sí")
    else:
        with pytest.raises(Conflict):
            check_phase_change(plan, new, "porque sí")


def test_a_campaign_that_ended_stays_so() -> None:
    assert NEXT[Phase.FINISHED] == NEXT[Phase.CANCELLED] == ()


@pytest.mark.parametrize(
    ("plan", "missing"),
    [
        (replace(READY, audience_state=AudienceState.TRANSFERRING), ["audience"]),
        (replace(READY, audience=0), ["audience"]),
        (replace(READY, budget=Decimal(0)), ["budget"]),
        (replace(READY, design_id=None), ["design_id"]),
        (
            replace(READY, audience=0, budget=Decimal(0), design_id=None),
            ["audience", "budget", "design_id"],
        ),
    ],
)
def test_executing_names_all_that_is_missing(plan: Plan, missing: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        check_phase_change(plan, Phase.EXECUTING, "")
    assert [item.field for item in caught.value.fields] == missing


def test_a_campaign_by_phone_needs_no_design() -> None:
    plan = replace(READY, channels=frozenset({Channel.PHONE}), design_id=None)
    check_phase_change(plan, Phase.EXECUTING, "")


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.CANCELLED])
def test_pausing_and_cancelling_need_a_reason(phase: Phase) -> None:
    with pytest.raises(Invalid) as caught:
        check_phase_change(replace(READY, phase=Phase.EXECUTING), phase, "  ")
    assert [item.field for item in caught.value.fields] == ["reason"]


def test_every_field_may_be_changed_in_a_draft_and_none_at_the_end() -> None:
    every = CampaignChange.model_fields.keys() - {"version"}
    check_editable(Phase.DRAFT, every)
    assert EDITABLE[Phase.DRAFT] == every
    with pytest.raises(Conflict):
        check_editable(Phase.FINISHED, {"goal"})


def test_what_a_running_campaign_keeps_is_named() -> None:
    with pytest.raises(Conflict, match="el presupuesto, el segmento"):
        check_editable(Phase.EXECUTING, {"budget", "definition", "goal"})


def test_the_end_is_not_before_the_start() -> None:
    check_dates(date(2026, 1, 1), date(2026, 1, 1))
    check_dates(None, date(2026, 1, 1))
    with pytest.raises(Invalid):
        check_dates(date(2026, 1, 2), date(2026, 1, 1))


def test_costs_are_per_person_to_the_cent() -> None:
    assert cost_per(Decimal(100), 3) == Decimal("33.33")
    assert cost_per(Decimal(100), 0) is None
