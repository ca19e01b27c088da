"""A change: only what is sent counts, and null only where a field may be empty."""

from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from shared.change import EMPTY, Change
from shared.contract import Model, invalid, procedure
from shared.contracts.campaign import CampaignChange, NewCampaign, update_campaign
from shared.contracts.customer_query import CustomerChange, SegmentChange
from shared.contracts.identity import UserChange, update_user
from shared.scope import HOUSE

CHANGES = [CampaignChange, CustomerChange, SegmentChange, UserChange]


class NewBox(Model):
    """A box."""

    label: Annotated[str, Field(min_length=3)]
    parts: Annotated[list[str], Field(min_length=1)]
    made_on: date | None = None  # noqa: V107
    colour: str = "red"
    maker: int | None = None


class BoxChange(Change, of=NewBox, but={"maker"}):
    """What to change of a box."""

    made_on: date  # noqa: V107
    open: bool


def wrong(kind: type[Change], **values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        kind.to(**values)
    return {item.field: item.message for item in invalid(caught.value).fields}


def test_nothing_has_to_be_sent_and_nothing_unsent_counts() -> None:
    assert BoxChange.to().sent() == {}
    assert BoxChange.to(colour="red", version=4).sent() == {"colour": "red"}


def test_limits_are_those_of_a_new_one() -> None:
    assert wrong(BoxChange, label="ab") == {"label": "Escriba al menos 3 caracteres."}
    assert wrong(BoxChange, parts=[]) == {"parts": "Elija al menos 1."}
    assert wrong(BoxChange, maker=1) == {"maker": "Este campo no existe."}


def test_null_empties_only_what_may_be_empty() -> None:
    assert wrong(BoxChange, label=None, parts=None, made_on=None, open=None) == dict.fromkeys(
        ("label", "parts", "made_on", "open"), EMPTY
    )


def test_it_crosses_a_door_with_what_was_sent() -> None:
    @procedure("shop", scope=HOUSE)
    def update_box(change: BoxChange) -> None:
        raise NotImplementedError

    payload = update_box.encode_arguments(BoxChange.to(colour="blue", version=2))
    assert payload == {"change": {"colour": "blue", "version": 2}}
    change = update_box.decode_arguments(payload)["change"]
    assert (change.sent(), change.version) == ({"colour": "blue"}, 2)


def test_emptying_a_field_is_another_command_than_leaving_it() -> None:
    emptied, left = CampaignChange.to(goal="A", starts_on=None), CampaignChange.to(goal="A")
    hashed = [
        update_campaign.open_arguments({"campaign_id": 7, "change": change})
        for change in (emptied, left)
    ]
    assert hashed[0] != hashed[1]


def test_what_is_secret_in_a_new_one_is_secret_in_a_change() -> None:
    change = UserChange.to(password="muy-secreta-1", active=False)
    hashed = update_user.open_arguments({"user_id": 7, "change": change})
    assert hashed == {"user_id": 7, "change": {"active": False}}


@pytest.mark.parametrize("kind", CHANGES)
def test_no_field_has_a_default_that_means_nothing(kind: type[Change]) -> None:
    properties = kind.model_json_schema()["properties"]
    assert "required" not in kind.model_json_schema()
    assert {name for name, item in properties.items() if "default" in item} == {"version"}


def test_a_change_of_a_campaign_has_the_fields_of_a_new_one() -> None:
    assert CampaignChange.model_fields.keys() - {"version"} == (
        NewCampaign.model_fields.keys() - {"segment_id"}
    )
