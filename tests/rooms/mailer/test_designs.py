"""Designs through the doors."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.mailer import builtin, designs, making
from shared import files, trace
from shared.contracts.customer_query import Customer
from shared.contracts.mailer import NewDesign
from shared.errors import Conflict, Invalid, NotFound
from tests.databases import outbox_of
from tests.hostile import designs as odd
from tests.make.actors import make_actor
from tests.rooms.mailer.conftest import Neighbours, add_run

GOOD = '<p>Hola {{ nombres }}</p><a href="{{ enlace_baja }}">Baja</a>'


def create(mailer: Any, html: str = GOOD, name: str = "Propio") -> Any:
    return mailer.create_design(NewDesign(name=name, html=html))


def test_the_gallery_begins_with_the_built_in_designs(mailer: Any) -> None:
    create(mailer)
    found = mailer.list_designs().items
    assert [(design.name, design.builtin) for design in found] == [
        ("Oferta", True),
        ("Boletín", True),
        ("Propio", False),
    ]


def test_the_gallery_is_paged(mailer: Any) -> None:
    first = mailer.list_designs(limit=1)
    second = mailer.list_designs(after=first.next, limit=1)
    assert [first.items[0].name, second.items[0].name] == ["Oferta", "Boletín"]
    assert second.next is None


def test_seeding_again_changes_nothing(mailer: Any, sessions: Any) -> None:
    before = mailer.list_designs()
    with sessions.begin() as session:
        builtin.seed(session)
    assert mailer.list_designs() == before


def test_a_changed_built_in_design_is_brought_up_to_date(mailer: Any, sessions: Any) -> None:
    values = making.build("Oferta", "", GOOD, {})
    with sessions.begin() as session:
        designs.put_builtin(session, "oferta", values)
    assert mailer.get_design(1).fields == ["nombres", "enlace_baja"]


def test_created_design_is_cleaned_and_says_what_was_removed(mailer: Any) -> None:
    design = create(mailer, f"{GOOD}<script>alert(1)</script>")
    preview = mailer.preview_design(design.id)
    assert "<script" not in preview.html
    assert preview.removed == ["Se quitó: código (script)."]
    assert design.fields == ["nombres", "enlace_baja"]


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<p>{{ nombrez }}</p>", "¿Quiso decir «nombres»?"),
        ("<p>Hola</p>", "enlace para darse de baja"),
        ("nada", "no es HTML"),
    ],
)
def test_bad_html_is_invalid_on_its_field_and_leaves_nothing(
    mailer: Any, html: str, told: str
) -> None:
    with pytest.raises(Invalid) as error:
        create(mailer, html)
    assert told in error.value.message
    assert error.value.fields[0].field == "html"
    assert len(mailer.list_designs().items) == 2


def test_a_design_needs_html_or_a_file_and_not_both(mailer: Any) -> None:
    for new in (NewDesign(name="Uno"), NewDesign(name="Uno", html="<p>", file_key="ab/x")):
        with pytest.raises(Invalid):
            mailer.create_design(new)


def test_a_design_from_a_file(mailer: Any) -> None:
    key = files.put(io.BytesIO(GOOD.encode()), ".html")
    design = mailer.create_design(NewDesign(name="Archivo", file_key=key))
    assert "Hola María Fernanda" in mailer.preview_design(design.id).text


def test_a_double_click_creates_one_design(mailer: Any) -> None:
    actor = make_actor()
    with trace.use(actor=actor, idempotency_key="k1"):
        assert create(mailer) == create(mailer)
    assert len(mailer.list_designs().items) == 3


def test_a_test_sent_twice_with_a_key_goes_out_once(mailer: Any, sessions: Any) -> None:
    actor = make_actor()
    with trace.use(actor=actor, idempotency_key="k1"):
        for _ in range(2):
            mailer.send_test(1, "", "yo@pregon.example")
    assert [name for name, _ in outbox_of(sessions)] == ["mailer.send_test"]


def test_a_file_sent_twice_with_a_key_is_one_design_and_another_file_a_conflict(
    mailer: Any,
) -> None:
    actor = make_actor()
    key = files.put(io.BytesIO(GOOD.encode()), ".html")
    other = files.put(io.BytesIO(GOOD.encode()), ".html")
    with trace.use(actor=actor, idempotency_key="k1"):
        first = mailer.create_design(NewDesign(name="Archivo", file_key=key))
        assert mailer.create_design(NewDesign(name="Archivo", file_key=key)) == first
        with pytest.raises(Conflict, match="otros datos"):
            mailer.create_design(NewDesign(name="Archivo", file_key=other))


def test_preview_as_a_customer_escapes_the_name(mailer: Any, neighbours: Neighbours) -> None:
    neighbours.customers[9] = customer(first_names="<b>Zoila</b>")
    design = create(mailer)
    assert "&lt;b&gt;Zoila&lt;/b&gt;" in mailer.preview_design(design.id, 9).html
    with pytest.raises(NotFound):
        mailer.preview_design(design.id, 10)


def test_own_designs_are_deleted_unless_a_run_needs_them(mailer: Any, sessions: Any) -> None:
    design = create(mailer)
    add_run(sessions, {}, design_id=design.id, state="paused")
    with pytest.raises(Conflict, match="no ha terminado"):
        mailer.delete_design(design.id)
    other = create(mailer)
    mailer.delete_design(other.id)
    with pytest.raises(NotFound):
        mailer.get_design(other.id)
    with pytest.raises(Conflict, match="Pregón"):
        mailer.delete_design(1)


def test_a_test_mail_is_handed_to_a_worker_with_who_asked(mailer: Any, sessions: Any) -> None:
    actor = make_actor()
    with trace.use(actor=actor):
        mailer.send_test(1, "Hola {{ nombres }}", "Yo@Pregon.example")
    ((name, payload),) = outbox_of(sessions)
    *given, reference = payload["arguments"]
    assert (name, given) == (
        "mailer.send_test",
        [1, "Hola {{ nombres }}", "Yo@pregon.example", "jefe"],
    )
    assert len(reference) == 32


@pytest.mark.parametrize(
    ("subject", "email", "field"),
    [
        ("{{ x }}", "a@b.ec", "subject"),
        ("", "", "email"),
        ("", "a", "email"),
        ("", "a@b@c", "email"),
        ("", "x@y.ec>\r\nRCPT TO:<otra@correo.ec", "email"),
        ("", "x@y.ec\r\nRCPT", "email"),
        ("", "x@y.ec>", "email"),
        ("", "<x@y.ec>", "email"),
        ("", "Ana <x@y.ec>", "email"),
        ("", "x@y.ec\x00", "email"),
        ("", "x@y.ec, z@y.ec", "email"),
        ("", "ñ@y.ec", "email"),
        ("", "x@" + "y" * 300 + ".ec", "email"),
    ],
)
def test_a_bad_test_mail_says_where(
    mailer: Any, sessions: Any, subject: str, email: str, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        mailer.send_test(1, subject, email)
    assert error.value.fields[0].field == field
    assert outbox_of(sessions) == []


def test_a_test_goes_to_a_domain_with_accents_by_its_ascii_name(mailer: Any, sessions: Any) -> None:
    mailer.send_test(1, "", "ana@cañas.ec")
    assert outbox_of(sessions)[0][1]["arguments"][2] == "ana@xn--caas-hqa.ec"


@pytest.mark.parametrize("design", list(odd.known()), ids=lambda design: design.name)
def test_a_design_that_would_stop_the_room_is_refused_and_the_room_goes_on(
    mailer: Any, design: odd.Design
) -> None:
    with pytest.raises(Invalid) as error:
        create(mailer, design.html)
    assert error.value.fields[0].field == "html"
    assert create(mailer).fields == ["nombres", "enlace_baja"]


def test_merge_fields_are_published(mailer: Any) -> None:
    assert {"nombres", "provincia", "enlace_baja"} <= {
        field.name for field in mailer.list_merge_fields()
    }


def customer(**values: Any) -> Customer:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    row: dict[str, Any] = dict.fromkeys(Customer.model_fields) | {"masked": []}
    row |= {
        "id": 9,
        "cedula": "1710034065",
        "first_names": "Zoila",
        "last_names": "Mora",
        "other_phones": [],
        "joined_on": date(2020, 1, 1),
        "category": "regular",
        "erased": False,
        "version": 1,
    }
    flags = {
        name: False
        for name in Customer.model_fields
        if name.startswith(("consent", "do_not", "mail_"))
    }
    times = {name: moment for name in Customer.model_fields if name.endswith("_at")}
    return Customer.model_validate(row | flags | times | values)
