"""Designs through pages and API: upload, sandboxed previews, images, tests."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import files
from shared.contract import Page
from shared.contracts.identity import Role
from shared.contracts.mailer import Design, MergeField, NewDesign, Preview
from shared.errors import Invalid
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk

HTML = "<!doctype html><html><head></head><body>Hola<script>1</script></body></html>"


def make_design(**changes: Any) -> Design:
    usual = {
        "id": 3,
        "name": "Oferta",
        "subject": "Hola",
        "builtin": False,
        "fields": [],
        "size_bytes": 2048,
        "updated_at": datetime(2026, 11, 20, tzinfo=UTC),
        "test_error": None,
    }
    return Design(**usual | changes)


def refuse(new: NewDesign) -> Design:
    raise Invalid.field("html", "Línea 2: el campo «nombrez» no existe.")


@pytest.fixture
def chief(client: Browser, rooms: FakeAsk) -> Browser:
    """A marketing head with one design."""
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    rooms.answers |= {
        "list_designs": lambda **_: Page(items=[make_design()]),
        "get_design": lambda design_id: make_design(id=design_id),
        "create_design": lambda new: make_design(name=new.name),
        "delete_design": lambda design_id: None,
        "send_test": lambda **_: None,
        "list_merge_fields": lambda: [MergeField(name="nombres", label="N", example="Ana")],
        "preview_design": lambda design_id, customer_id: Preview(
            subject="Hola Ana", html=HTML, text="Hola", removed=["Se quitó: código (script)."]
        ),
    }
    return client


@pytest.mark.parametrize("address", ["/disenos", "/disenos/3"])
def test_previews_stand_in_a_frame_without_rights(chief: Browser, address: str) -> None:
    page = chief.get(address).text
    assert "<iframe" in page
    assert "allow-" not in page
    assert "<script>1" not in page


@pytest.mark.parametrize("address", ["/disenos/3/vista", "/disenos/3/miniatura"])
def test_the_frames_page_brings_its_own_policy(chief: Browser, address: str) -> None:
    answer = chief.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy


REMOTE = [
    '<img src="https://t.example/a.png">',
    "<img src='http://t.example/a.png'>",
    '<img alt="x" SRC = "//t.example/a.png">',
    '<img src=" https://t.example/a.png">',
    '<img src="\\\\t.example/a.png">',
]


@pytest.mark.parametrize("image", REMOTE)
@pytest.mark.parametrize("address", ["/disenos/3/vista", "/disenos/3/miniatura"])
def test_a_preview_fetches_nothing_from_elsewhere(
    chief: Browser, rooms: FakeAsk, address: str, image: str
) -> None:
    key = "ab/" + "0" * 32 + ".png"
    ours = f'<img src="{settings().public_url}/imagenes/{key}">'
    html = HTML.replace("Hola", f"Hola{image}{ours}")
    rooms.answers["preview_design"] = lambda design_id, customer_id: Preview(
        subject="Hola Ana", html=html, text="Hola", removed=[]
    )
    answer = chief.get(address)
    assert "t.example" not in answer.text
    assert "Imagen%20de%20otro%20sitio" in answer.text
    assert ours in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith(f"img-src data: {settings().public_url}/imagenes/")
    assert "Una imagen de otro sitio no se carga en la vista previa" in chief.get("/disenos/3").text


def test_a_preview_without_others_pictures_says_nothing_of_them(chief: Browser) -> None:
    assert "de otro" not in chief.get("/disenos/3").text


def test_what_cleaning_took_out_is_shown(chief: Browser) -> None:
    assert "Se quitó: código (script)." in chief.get("/disenos/3").text


def test_pasted_html_becomes_a_design(chief: Browser, rooms: FakeAsk) -> None:
    form = {"name": "Propio", "html": "<p>", "idempotency_key": "k"}
    answer = chief.post("/disenos/nuevo", data=form)
    assert answer.headers["location"] == "/disenos/3"
    assert rooms.heard[-1].arguments["new"]["html"] == "<p>"
    assert rooms.heard[-1].idempotency_key == "k"


def test_an_uploaded_file_is_stored_and_named_by_key(chief: Browser, rooms: FakeAsk) -> None:
    upload = {"file": ("mi correo.HTML", b"<p>", "text/html")}
    answer = chief.post("/disenos/nuevo", data={"name": "Propio"}, files=upload)
    assert answer.status_code == 303
    with files.open_key(rooms.heard[-1].arguments["new"]["file_key"]) as source:
        assert source.read() == b"<p>"


def test_a_wrong_field_is_told_at_the_html_and_what_was_typed_stays(
    chief: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["create_design"] = refuse
    answer = chief.post("/disenos/nuevo", data={"name": "Propio", "html": "<p>&{{ nombrez }}"})
    assert answer.status_code == 422
    assert 'id="error-html">Línea 2: el campo «nombrez» no existe.' in answer.text
    assert "&lt;p&gt;&amp;{{ nombrez }}" in answer.text


def test_a_file_that_is_no_design_is_told_at_the_file(chief: Browser) -> None:
    answer = chief.post(
        "/disenos/nuevo", data={"name": "Propio"}, files={"file": ("a.exe", b"MZ", "x/y")}
    )
    assert 'id="error-file">Elija un archivo HTML, HTM o ZIP.' in answer.text


def test_a_test_that_did_not_go_out_says_why(chief: Browser, rooms: FakeAsk) -> None:
    rooms.answers["get_design"] = lambda design_id: make_design(test_error="550 no such user")
    assert (
        "La última prueba no salió. El servidor respondió: «550 no such user»."
        in chief.get("/disenos/3").text
    )


def test_a_repeated_upload_is_known_by_its_content(chief: Browser, rooms: FakeAsk) -> None:
    def post(content: bytes, key: str | None) -> str:
        headers = {"Idempotency-Key": key} if key else {}
        upload = {"file": ("a.html", content, "text/html")}
        chief.post("/api/v1/designs", data={"name": "Uno"}, files=upload, headers=headers)
        return str(rooms.heard[-1].arguments["new"]["file_key"])

    first = post(b"<p>", "k")
    assert post(b"<p>", "k") == first
    assert len({first, post(b"<b>", "k"), post(b"<p>", "l"), post(b"<p>", None)}) == 4
    with files.open_key(first) as source:
        assert source.read() == b"<p>"


def test_a_test_goes_to_ones_own_address(chief: Browser, rooms: FakeAsk) -> None:
    answer = chief.post("/disenos/3/prueba", data={"email": "yo@pregon.example", "subject": ""})
    assert answer.status_code == 303
    assert rooms.heard[-1].arguments == {
        "design_id": 3,
        "subject": "",
        "email": "yo@pregon.example",
    }


def test_images_are_public_and_nothing_else_of_the_store_is(client: Browser) -> None:
    image = files.put(io.BytesIO(b"\x89PNG"), ".png")
    table = files.put(io.BytesIO(b"cedula"), ".csv")
    answer = client.get(f"/imagenes/{image}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for key in (table, image.replace(image[3:9], "0" * 6), "../../etc/passwd.png"):
        assert client.get(f"/imagenes/{key}").status_code == 404


def test_the_api_takes_json_and_files(chief: Browser, rooms: FakeAsk) -> None:
    answer = chief.post("/api/v1/designs", json={"name": "Propio", "html": "<p>"})
    assert (answer.status_code, answer.json()["name"]) == (201, "Propio")
    upload = {"file": ("a.html", b"<p>", "text/html")}
    answer = chief.post("/api/v1/designs", data={"name": "Archivo"}, files=upload)
    assert answer.json()["name"] == "Archivo"
    assert rooms.heard[-1].arguments["new"]["file_key"].endswith(".html")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a"}, "name"),
        ({"name": "Uno", "file_key": "ab/" + "0" * 32 + ".html"}, "file_key"),
        ({"name": "Uno", "x": 1}, "x"),
    ],
)
def test_the_api_says_which_field_is_wrong(
    chief: Browser, body: dict[str, Any], field: str
) -> None:
    answer = chief.post("/api/v1/designs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("body", [None, {"customer_id": 5}])
def test_the_api_previews(chief: Browser, rooms: FakeAsk, body: Any) -> None:
    answer = chief.post("/api/v1/designs/3/preview", json=body)
    assert answer.json()["subject"] == "Hola Ana"
    expected = body["customer_id"] if body else None
    assert rooms.heard[-1].arguments.get("customer_id") == expected


def test_an_advisor_has_no_designs(client: Browser) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    assert client.get("/disenos").status_code == 403
    assert client.post("/api/v1/designs", json={}).status_code == 403
