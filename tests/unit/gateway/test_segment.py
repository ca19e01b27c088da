"""The segment builder: what it offers, counts, tells and saves."""

import json
import time
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import customer_query as contract
from shared.contracts.criteria import CRITERIA
from shared.contracts.customer_query import NewSegment, Segment, SegmentCount, Slice
from shared.contracts.identity import Role
from shared.contracts.segments import parse
from shared.errors import Invalid, Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk

WOMEN: dict[str, Any] = {"all": [{"field": "gender", "in": ["F"]}]}
SEGMENT = Segment(
    id=3,
    name="Mujeres",
    description="",
    definition=WOMEN,
    summary="Género: mujeres",
    version=2,
    created_by="jefe",
    updated_at=clock.now(),
)
COUNT = SegmentCount(
    matching=1234,
    reachable=contract.Reachable(mail=700, phone=600),
    excluded=contract.Excluded(
        no_consent=30, do_not_contact=1, bounced=2, over_cap=4, in_other_campaign=5
    ),
    sample=[],
    by_age=[Slice(label="20 a 29", count=1234)],
    by_gender=[Slice(label="Mujeres", count=1234)],
    by_province=[Slice(label="Azuay", count=234), Slice(label="Pichincha", count=1000)],
)


def refuse(**_: Any) -> Any:
    raise Invalid.field("definition.all.0.between", "El valor «desde» es mayor.")


def away(**_: Any) -> Any:
    raise Unavailable("El servicio campaign no responde.")


@pytest.fixture
def head(client: Browser, rooms: FakeAsk) -> Browser:
    """The marketing head, and a room with one segment."""
    rooms.answers |= {
        "list_segments": lambda **_: Page(items=[SEGMENT]),
        "get_segment": lambda segment_id: SEGMENT,
        "count_segment": lambda definition: COUNT,
        "list_campaigns": away,
    }
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    return client


@pytest.mark.parametrize("address", ["/segmentos", "/segmentos/nuevo", "/segmentos/3"])
def test_the_pages_work_while_campaigns_are_away(head: Browser, address: str) -> None:
    assert head.get(address).status_code == 200


def test_the_builder_carries_the_definition_for_its_script(head: Browser) -> None:
    assert "&#34;gender&#34;" in head.get("/segmentos/3").text


def test_the_count_comes_as_a_part_of_the_page(head: Browser, rooms: FakeAsk) -> None:
    part = head.post("/segmentos/contar", json={"definition": WOMEN})
    assert part.status_code == 200
    for shown in ("1.234", "700", "600", "Sin consentimiento", "Pichincha"):
        assert shown in part.text
    assert rooms.heard_of(contract.count_segment)[0].arguments == {"definition": WOMEN}


def test_an_error_comes_with_its_path(head: Browser, rooms: FakeAsk) -> None:
    rooms.answers["count_segment"] = refuse
    answer = head.post("/segmentos/contar", json={"definition": WOMEN})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "definition.all.0.between", "message": "El valor «desde» es mayor."}
    ]


def test_a_segment_is_saved_from_the_builder(head: Browser, rooms: FakeAsk) -> None:
    saved: list[NewSegment] = []

    def create(new: NewSegment) -> Segment:
        saved.append(new)
        return SEGMENT

    rooms.answers["create_segment"] = create
    form = {"name": "Mujeres", "definition": json.dumps(WOMEN)}
    answer = head.post("/segmentos/nuevo", data=form)
    assert answer.headers["location"] == "/segmentos/3"
    assert saved == [NewSegment(name="Mujeres", definition=WOMEN)]


@pytest.mark.parametrize("definition", ["", "{", "[]", "9" * 5000, '{"all": [' + "9" * 5000 + "]}"])
def test_a_definition_that_is_none_is_refused_and_the_name_stays(
    head: Browser, definition: str
) -> None:
    page = head.post("/segmentos/nuevo", data={"name": "Mujeres", "definition": definition})
    assert page.status_code == 422
    assert 'value="Mujeres"' in page.text


def test_those_who_only_read_cannot_save(head: Browser) -> None:
    head.cookies.set(COOKIE, Role.SUPERVISOR)
    assert head.post("/segmentos/nuevo", data={}).status_code == 403
    assert head.post("/api/v1/segments", json={}).status_code == 403


def test_the_api_counts_and_changes_what_is_given(head: Browser, rooms: FakeAsk) -> None:
    counted = head.post("/api/v1/segments/count", json={"definition": WOMEN}).json()
    assert (counted["matching"], counted["reachable"]) == (1234, {"mail": 700, "phone": 600})
    rooms.answers["update_segment"] = lambda segment_id, change: SEGMENT
    head.ask("PATCH", "/api/v1/segments/3", json={"name": "Señoras"})
    [heard] = rooms.heard_of(contract.update_segment)
    assert heard.arguments["change"] == {"name": "Señoras"}
    assert rooms.heard_of(contract.get_segment) == []


def test_the_builder_saves_what_was_typed_with_the_version_it_showed(
    head: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["update_segment"] = lambda segment_id, change: SEGMENT
    assert '<input type="hidden" name="version" value="2">' in head.get("/segmentos/3").text
    typed = {"name": "Señoras", "description": "", "version": "2"}
    head.post("/segmentos/3", data={**typed, "definition": json.dumps(WOMEN)})
    [heard] = rooms.heard_of(contract.update_segment)
    assert heard.arguments["change"] == {
        "name": "Señoras",
        "description": "",
        "definition": WOMEN,
        "version": 2,
    }


def nested(levels: int) -> str:
    leaf = json.dumps({"field": "consent_mail", "is": True})
    return '{"definition": ' + '{"not": ' * levels + leaf + "}" * levels + "}"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (nested(10), "definition" + ".not" * 10),
        (nested(900), "definition" + ".not" * 10),
        (nested(5_000), "definition" + ".not" * 63),
        (nested(100_000), "definition" + ".not" * 63),
        ('{"definition": {"all": [{"any": []}, ' + "[" * 500_000, "definition.all.1" + ".0" * 61),
        ('{"definition": "' + "," * 200_000 + '", "b": ' + "[" * 500_000, "body"),
    ],
    ids=["11", "901", "5001", "100001", "lists", "late"],
)
def test_a_definition_of_any_depth_is_refused_at_once_with_its_path(
    head: Browser, body: str, path: str
) -> None:
    began = time.process_time()  # other load adds nothing to it
    answer = head.post(
        "/api/v1/segments/count", content=body, headers={"Content-Type": "application/json"}
    )
    assert time.process_time() - began < 2
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == path
    assert error["message"].startswith("Hay más de")


def test_a_form_with_a_definition_of_any_depth_comes_back(head: Browser) -> None:
    deep = json.loads(nested(900))["definition"]
    for text in (json.dumps(deep), nested(5_000)):
        page = head.post("/segmentos/nuevo", data={"name": "Hondo", "definition": text})
        assert page.status_code == 422
        assert 'value="Hondo"' in page.text


def test_the_builder_keeps_a_wrong_definition_and_tells_its_path(head: Browser) -> None:
    wrong = {"all": [{"field": "age", "between": [45, 25]}]}
    answer = head.post("/segmentos/contar", json={"definition": wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "definition.all.0.between"
    page = head.post("/segmentos/nuevo", data={"name": "Edad", "definition": json.dumps(wrong)})
    assert page.status_code == 422
    assert "[45, 25]" in page.text


def test_the_builder_draws_each_criterion_from_its_declaration(head: Browser) -> None:
    page = head.get("/segmentos/nuevo").text
    for criterion in CRITERIA.values():
        assert f'data-criterion="{criterion.key}" data-kind="{criterion.kind}"' in page
        for value, word in criterion.options().items():
            assert f'value="{value}"> <span class="form-check-label">{word}</span>' in page


def test_the_api_tells_the_grammar_of_a_definition(head: Browser) -> None:
    schemas = head.get("/api/v1/openapi.json").json()["components"]["schemas"]
    for example in schemas["Definition-Input"]["examples"]:
        parse(example)
    assert set(schemas["Is"]["properties"]["field"]["enum"]) == CRITERIA.keys()
