"""What people and programs get wrong: a clear answer in Spanish, nothing half done."""

import io
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.product import Product

EVERYBODY: dict[str, object] = {"all": []}
NOBODY = {"all": [{"field": "age", "between": [119, 120]}]}
GOOD_HTML = "<p>Hola {{ primer_nombre }}</p><p><a href='{{ enlace_baja }}'>Darse de baja</a></p>"


@pytest.fixture(scope="module")
def head(product: Product) -> httpx.Client:
    client = product.client("jefe")
    ana = {"cedula": "1710034065", "first_names": "Ana", "last_names": "Mora"}
    client.post("/customers", json=ana)  # somebody for "everybody"; an earlier test may have her
    return client


def fields_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return {item["field"]: item["message"] for item in answer.json()["errors"]}


def finished(head: httpx.Client, upload: bytes, name: str, until: Callable[..., Any]) -> Any:
    started = head.post("/customers/imports", files={"file": (name, io.BytesIO(upload))})
    assert started.status_code == 202, started.text

    def done() -> Any:
        job = head.get(f"/customers/imports/{started.json()['id']}").json()
        return job if job["state"] in {"done", "failed"} else None

    return until(done)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00\x00", b"PK\x03\x04rot"])
def test_a_file_that_is_not_what_its_name_says_is_refused_at_once(
    head: httpx.Client, content: bytes
) -> None:
    answer = head.post("/customers/imports", files={"file": ("foto.csv", io.BytesIO(content))})
    assert answer.status_code == 422
    assert "archivo" in fields_of(answer)["file"].lower()


def test_a_file_that_is_no_table_fails_with_the_reason(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    job = finished(head, b"hola", "foto.csv", until)
    assert job["state"] == "failed"
    assert "archivo" in job["error"].lower()
    assert job["created"] == job["updated"] == 0


def test_an_empty_file_is_refused_or_fails_with_the_reason(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    answer = head.post("/customers/imports", files={"file": ("vacio.csv", io.BytesIO(b""))})
    if answer.status_code == 202:
        job = finished(head, b"", "vacio.csv", until)
        assert "vacío" in job["error"]
    else:
        assert "file" in fields_of(answer)


def test_a_wrong_cedula_is_rejected_with_its_reason_and_the_others_are_kept(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    text = "cedula;nombres;apellidos\n1710034065;Ana;Mora\n1710034066;Eva;Paz\n"
    job = finished(head, text.encode("cp1252"), "dos.csv", until)
    assert (job["read"], job["rejected"]) == (2, 1)
    rejected = head.get(f"/customers/imports/{job['id']}/rejected")
    lines = rejected.content.decode("utf-8-sig").splitlines()
    assert lines[0].endswith("motivo")
    assert lines[1].startswith("1710034066;Eva;Paz;")
    assert "dígito" in lines[1]


def test_a_customer_with_a_wrong_cedula_names_the_field(head: httpx.Client) -> None:
    answer = head.post(
        "/customers", json={"cedula": "1710034066", "first_names": "Eva", "last_names": "Paz"}
    )
    assert answer.status_code == 422
    assert "dígito" in fields_of(answer)["cedula"]


def test_an_unknown_segment_field_is_named_with_its_path(head: httpx.Client) -> None:
    wrong = {"all": [{"field": "edad", "between": [1, 2]}]}
    answer = head.post("/segments/count", json={"definition": wrong})
    assert answer.status_code == 422
    ((field, message),) = fields_of(answer).items()
    assert field.endswith("definition.all.0.field")
    assert "age" in message


def test_of_two_who_change_a_segment_the_second_is_told_and_nothing_is_lost(
    head: httpx.Client, product: Product
) -> None:
    name = f"Adultos {uuid.uuid4().hex[:8]}"
    segment = head.post("/segments", json={"name": name, "definition": EVERYBODY}).json()
    path, seen = f"/segments/{segment['id']}", segment["version"]
    first = head.patch(path, json={"description": "Todo el país", "version": seen})
    assert first.is_success, first.text
    second = head.patch(path, json={"name": "Otro nombre", "version": seen})
    assert second.status_code == 409
    assert re.search(
        r" cambió este segmento el \d\d/\d\d/\d{4} a las \d\d:\d\d\. Vuelva a abrirlo",
        fields_of(second)["version"],
    )
    token = head.headers["Authorization"].removeprefix("Bearer ")
    typed = {"name": "Con calma", "version": seen, "definition": json.dumps(EVERYBODY)}
    page = httpx.post(
        f"{product.address}/segmentos/{segment['id']}",
        data=typed,
        headers={"Origin": product.address},
        cookies={"pregon_session": token},
    )
    assert page.status_code == 409
    assert "Ver cómo está ahora" in page.text
    assert 'value="Con calma"' in page.text
    now = head.get(path).json()
    assert (now["name"], now["description"], now["version"]) == (name, "Todo el país", seen + 1)


@pytest.mark.parametrize("field", ["definition", "channels", "name", "budget"])
def test_null_where_a_campaign_needs_a_value_is_told_at_its_field(
    head: httpx.Client, field: str
) -> None:
    new = {"name": "Con nulos", "channels": ["phone"], "definition": EVERYBODY}
    campaign = head.post("/campaigns", json=new).json()
    answer = head.patch(f"/campaigns/{campaign['id']}", json={field: None})
    assert answer.status_code == 422
    assert fields_of(answer) == {field: "Este campo no puede quedar vacío."}


def test_an_empty_audience_cannot_be_executed(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    campaign = head.post(
        "/campaigns",
        json={"name": "Vacía", "channels": ["phone"], "definition": NOBODY, "budget": "10"},
    ).json()
    path = f"/campaigns/{campaign['id']}"
    until(lambda: head.get(f"{path}/audience").json()["state"] == "ready")
    assert head.post(f"{path}/phase", json={"phase": "planned"}).is_success
    answer = head.post(f"{path}/phase", json={"phase": "executing"})
    assert answer.status_code == 422
    assert "vacío" in fields_of(answer)["audience"]
    assert head.get(path).json()["phase"] == "planned"


def test_a_campaign_cannot_skip_phases(head: httpx.Client) -> None:
    campaign = head.post(
        "/campaigns", json={"name": "Saltos", "channels": ["phone"], "definition": EVERYBODY}
    ).json()
    answer = head.post(f"/campaigns/{campaign['id']}/phase", json={"phase": "finished"})
    assert answer.status_code == 409


def test_a_script_in_a_design_is_taken_out_and_said_so(head: httpx.Client) -> None:
    html = f"{GOOD_HTML}<script>alert(1)</script><img src=x onerror=alert(2)>"
    design = head.post("/designs", json={"name": "Con script", "html": html})
    assert design.status_code == 201, design.text
    preview = head.post(f"/designs/{design.json()['id']}/preview", json={}).json()
    assert "<script" not in preview["html"]
    assert "onerror" not in preview["html"]
    assert preview["removed"]


def test_a_misspelt_field_of_a_design_is_named_with_its_line(head: httpx.Client) -> None:
    html = f"<p>\n{{{{ primer_nombr }}}}</p>{GOOD_HTML}"
    answer = head.post("/designs", json={"name": "Con error", "html": html})
    assert answer.status_code == 422
    message = fields_of(answer)["html"]
    assert "línea 2" in message.lower()
    assert "primer_nombre" in message


def test_soap_garbage_gets_a_clean_fault(product: Product) -> None:
    answer = httpx.post(
        product.settings["PREGON_SOAP_URL"],
        content=b"<not-xml",
        headers={"Content-Type": "text/xml"},
        auth=(product.settings.get("PREGON_SOAP_USER", "soap"), product.passwords["soap"]),
    )
    assert b"Client" in answer.content
    assert b"Traceback" not in answer.content


def test_a_log_in_tried_twenty_times_has_to_wait_and_is_told_how_long(product: Product) -> None:
    answers = [
        httpx.post(
            f"{product.address}/api/v1/token",
            data={"username": "nadie.en.particular", "password": "equivocada"},
        )
        for _ in range(20)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:6] == [401] * 5 + [429]
    assert statuses[6:].count(429) >= 13  # a slow machine may be through with the first delay
    assert 0 < int(answers[5].headers["retry-after"]) <= 10
    assert "Espere" in answers[5].json()["detail"]
    assert "segundo" in answers[5].json()["detail"]


def test_an_expired_session_is_401_for_programs_and_leads_people_back(product: Product) -> None:
    answer = httpx.get(
        f"{product.address}/api/v1/customers", headers={"Authorization": "Bearer gone"}
    )
    assert answer.status_code == 401
    page = httpx.get(f"{product.address}/clientes?buscar=Mora", cookies={"pregon_session": "gone"})
    assert page.status_code == 303
    assert page.headers["location"] == "/ingresar?volver=/clientes%3Fbuscar%3DMora"


def test_an_advisor_may_not_read_campaigns_nor_make_users(product: Product) -> None:
    advisor = product.client("asesor1")
    assert advisor.get("/campaigns").status_code == 403
    assert advisor.post("/users", json={}).status_code in {403, 422}
    assert advisor.get("/users").status_code == 403


def test_a_double_click_on_send_makes_one_mailing(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    design = head.get("/designs", params={"limit": 1}).json()["items"][0]["id"]
    campaign = head.post(
        "/campaigns",
        json={
            "name": "Doble clic",
            "channels": ["mail"],
            "definition": EVERYBODY,
            "budget": "10",
            "design_id": design,
        },
    ).json()
    path = f"/campaigns/{campaign['id']}"
    until(lambda: head.get(f"{path}/audience").json()["state"] == "ready")
    for phase in ("planned", "executing"):
        head.post(f"{path}/phase", json={"phase": phase}).raise_for_status()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"campaign_id": campaign["id"]}
    until(lambda: head.post("/mailings", json=body, headers=key).is_success)
    first, second = (head.post("/mailings", json=body, headers=key) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    listed = head.get("/mailings", params={"campaign_id": campaign["id"]}).json()["items"]
    assert len(listed) == 1


def test_every_answer_carries_its_trace_id(product: Product) -> None:
    answer = httpx.get(f"{product.address}/api/v1/campaigns")
    assert answer.status_code == 401
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"]


def test_an_import_is_held_shown_read_and_undone(
    head: httpx.Client, until: Callable[..., Any]
) -> None:
    text = "cedula;nombres;apellidos;fecha_nacimiento\n0926687856;Luz;Paz;05/03/1990\n"
    upload = {"file": ("luz.csv", io.BytesIO(text.encode()))}
    job = head.post("/customers/imports", files=upload, data={"hold": "true"}).json()
    address = f"/customers/imports/{job['id']}"
    until(lambda: head.get(address).json()["state"] == "held")
    preview = head.get(f"{address}/preview").json()
    assert preview["rows"][0]["values"]["birth_on"] == "5 mar 1990"
    assert head.post(f"{address}/undo").status_code == 409
    assert head.post(f"{address}/resume").status_code == 202
    until(lambda: head.get(address).json()["state"] == "done")
    assert head.post(f"{address}/cancel").status_code == 409
    assert head.post(f"{address}/resume").status_code == 409
    done = head.get(address).json()
    assert (done["read"], done["created"]) == (1, 1)
    assert head.post(f"{address}/undo").status_code == 202
    until(lambda: head.get(address).json()["undo"]["state"] == "done")
    assert head.get(address).json()["undo"]["removed"] == 1
    assert head.get("/customers", params={"search": "0926687856"}).json()["items"] == []
