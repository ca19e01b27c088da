"""What an import never does: hang at a value, empty what is known, mix what does not belong."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from services.customer_query import imports, jobs
from services.customer_query.models import Customer, Import
from shared import clock
from shared.contracts.customer_query import Category
from tests.databases import outbox_of
from tests.jobs.customer_query.conftest import Importer, Sessions, to_csv

NAMES = ("cedula", "nombres", "apellidos")
ANA = ("1710034065", "Ana", "Mora")
EVA = ("0926687856", "Eva", "Paz")


def person(people: Sessions, cedula: str = ANA[0]) -> Customer:
    with people() as session:
        return session.execute(select(Customer).filter_by(cedula=cedula)).scalar_one()


def change(people: Sessions, **values: Any) -> None:
    with people.begin() as session:
        session.execute(update(Customer).values(**values))


def brought(importer: Importer, values: dict[str, str], who: tuple[str, ...] = ANA) -> Import:
    row = (*who, *values.values())
    return importer.read(to_csv((*NAMES, *values), [row]).encode())


# --- no input hangs a job ---


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("ingresos", "99999999999", "ingresos: El número es demasiado grande."),
        ("ingresos", "9" * 900, "ingresos: "),
        ("ingresos", "1e1000000", "ingresos: "),
        ("ingresos", "NaN", "ingresos: "),
        ("direccion", "x" * 301, "direccion: Escriba como máximo 300 caracteres."),
        ("direccion", "a\x01b", "no se pueden leer"),
        ("fecha_nacimiento", "0001-01-01", "fecha_nacimiento: El año debe estar"),
        ("fecha_alta", "9999-12-31", "fecha_alta: El año debe estar"),
        ("email", "a" * 300 + "@correo.ec", "email: "),
        ("telefono", "9" * 400, "telefono: "),
        ("cedula2", "", ""),
    ],
)
def test_a_value_that_cannot_be_is_a_rejected_row(
    importer: Importer, people: Sessions, field: str, value: str, reason: str
) -> None:
    rows = [(*ANA, value), (*EVA, "")]
    job = importer.read(to_csv((*NAMES, field), rows).encode())
    assert (job.state, job.read) == ("done", 2)
    assert job.rejected == (1 if reason else 0)
    if reason:
        assert reason in importer.rejected(job)[0]["motivo"]
    assert person(people, EVA[0]).first_names == "Eva"


def test_the_marks_of_the_databases_own_format_are_plain_text(
    importer: Importer, people: Sessions
) -> None:
    for surname in (r"\.", r"\\", "NULL"):
        job = importer.read(to_csv(NAMES, [(*ANA[:2], surname)]).encode())
        assert job.state == "done"
        assert person(people).last_names == surname


def test_the_databases_mark_of_no_value_is_an_empty_cell(
    importer: Importer,
) -> None:
    job = importer.read(to_csv(NAMES, [(*ANA[:2], r"\N")]).encode())
    assert (job.state, job.rejected, job.created) == ("done", 1, 0)
    assert "obligatorio" in importer.rejected(job)[0]["motivo"]


def test_a_nul_after_the_first_megabyte_is_a_rejected_row(importer: Importer) -> None:
    good = to_csv((*NAMES, "direccion"), [(*ANA, "")]).encode()
    filler = b"".join(b"x%d,,,%s\n" % (number, b"y" * 200) for number in range(6000))
    job = importer.read(good + filler + b"0926687856,E\0va,Paz,\n")
    assert (job.state, job.read, job.created) == ("done", 6002, 1)
    last = importer.rejected(job)[-1]
    assert (last["nombres"], "no se pueden leer" in last["motivo"]) == ("E\ufffdva", True)


def test_a_foreign_byte_after_the_first_megabyte_never_becomes_a_sign(
    importer: Importer, people: Sessions
) -> None:
    names = "cédula,nombres,apellidos,dirección\n1710034065,Íñigo,Ñáñez,Añasco\n".encode()
    filler = b"".join(b"x%d,,,%s\n" % (number, b"y" * 200) for number in range(6000))
    job = importer.read(names + filler + b"0926687856,Eva,Mu\xf1oz,\n")
    assert (job.state, job.created) == ("done", 1)
    assert person(people).last_names == "Ñáñez"
    assert importer.rejected(job)[-1]["apellidos"] == "Muñoz"


def test_what_the_database_still_refuses_ends_the_job_with_the_reason(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = imports.Batch._stage

    def spoil(batch: imports.Batch, rows: list[dict[str, Any]]) -> None:
        stage(batch, [row | {"income": "mucho"} for row in rows])

    monkeypatch.setattr(imports.Batch, "_stage", spoil)
    job = brought(importer, {"ingresos": "10"})
    assert job.state == "failed"
    assert job.error is not None
    assert "no se puede guardar" in job.error


def test_odd_cells_are_shown_before_and_nothing_hangs(importer: Importer) -> None:
    content = "cédula,nombres,apellidos\n".encode() + b"1710034065,A\x01na,Mu\xf1oz\n"
    job = importer.read(content, hold=True)
    assert job.state == "held"
    [row] = job.preview
    assert row["values"]["last_names"] == "Muñoz"
    assert "no se pueden leer" in row["reason"]


def test_a_header_with_a_column_twice_is_refused_by_name(importer: Importer) -> None:
    job = importer.read(to_csv((*NAMES, "CÉDULA"), [(*ANA, EVA[0])]).encode())
    assert job.state == "failed"
    assert job.error == "El archivo tiene la columna «cedula» 2 veces: deje una sola."


# --- an empty cell changes nothing ---


def test_an_empty_date_and_category_change_nothing(importer: Importer, people: Sessions) -> None:
    brought(importer, {"fecha_alta": "2010-05-01", "categoria": "leal"})
    before = person(people)
    assert (before.joined_on, before.category) == (date(2010, 5, 1), Category.LOYAL)
    assert before.category_reason is None  # it is what the tenure says
    assert brought(importer, {"fecha_alta": "", "categoria": ""}).unchanged == 1
    assert brought(importer, {"fecha_alta": ""}).unchanged == 1
    assert brought(importer, {"categoria": ""}).unchanged == 1
    after = person(people)
    assert (after.joined_on, after.category, after.version) == (
        before.joined_on,
        before.category,
        before.version,
    )


def test_a_new_person_without_a_date_joins_today(importer: Importer, people: Sessions) -> None:
    brought(importer, {"fecha_alta": "", "categoria": ""})
    found = person(people)
    assert (found.joined_on, found.category) == (clock.today(), Category.NEW)
    assert found.category_reason is None


def test_a_new_person_of_another_category_has_its_reason(
    importer: Importer, people: Sessions
) -> None:
    brought(importer, {"categoria": "leal"})
    assert (person(people).category, person(people).category_reason) == ("loyal", "importación")


def test_a_category_set_by_hand_stays_with_its_reason(importer: Importer, people: Sessions) -> None:
    brought(importer, {"fecha_alta": "2010-05-01"})
    change(people, category=Category.NEW, category_reason="volvió")
    for values in ({"categoria": ""}, {"fecha_alta": "2011-01-01"}, {"categoria": "nuevo"}):
        brought(importer, values)
        assert (person(people).category, person(people).category_reason) == ("new", "volvió")
    brought(importer, {"categoria": "regular"})
    assert (person(people).category, person(people).category_reason) == ("regular", "importación")
    brought(importer, {"categoria": "leal"})
    assert (person(people).category, person(people).category_reason) == ("loyal", None)


def test_another_date_moves_the_category_that_follows_it(
    importer: Importer, people: Sessions
) -> None:
    brought(importer, {"fecha_alta": "2010-05-01"})
    brought(importer, {"fecha_alta": clock.today().isoformat()})
    assert person(people).category == Category.NEW


# --- places ---


def test_another_province_never_keeps_a_canton_of_the_first(
    importer: Importer, people: Sessions
) -> None:
    brought(importer, {"provincia": "Pichincha", "canton": "Quito"})
    assert person(people).canton == "1701"
    assert brought(importer, {"provincia": "Pichincha"}).unchanged == 1
    assert brought(importer, {"provincia": "", "canton": ""}).unchanged == 1
    brought(importer, {"provincia": "Guayas"})
    assert (person(people).province, person(people).canton) == ("09", None)


def test_the_order_of_columns_does_not_matter(importer: Importer, people: Sessions) -> None:
    header = ("canton", "provincia", "apellidos", "nombres", "cedula")
    row = ("Quito", "Pichincha", "Mora", "Ana", ANA[0])
    mapping = {
        "canton": "canton",
        "province": "provincia",
        "last_names": "apellidos",
        "first_names": "nombres",
        "cedula": "cedula",
    }
    for asked in (None, mapping):
        job = importer.read(to_csv(header, [row]).encode(), mapping=asked)
        assert job.rejected == 0
        assert person(people).canton == "1701"


# --- the rejected file ---


def test_the_rejected_file_gives_back_every_cell_and_is_loaded_again(
    importer: Importer, people: Sessions
) -> None:
    header = (*NAMES, "direccion", "ingresos", "nota")
    odd = ("=1+1", "\tx ", "  Av. «6», n.º 5\r\nPiso 2 ", "-5,5", "+a")
    rows = [("1710034066", "Ana", "Mora", odd[2], "1.234,50", odd[0]), (*EVA, "", odd[3], odd[4])]
    job = importer.read(to_csv(header, rows).encode())
    assert job.rejected == 2
    given_back = importer.rejected(job)
    assert [given_back[0][name] for name in header] == [*rows[0][:5], "'=1+1"]
    assert job.rejected_key is not None
    again = importer.read(mended(importer, job, "1710034066", ANA[0]))
    assert (again.created, again.rejected) == (1, 1)
    assert person(people).address == "Av. «6», n.º 5 Piso 2"
    assert person(people).income == Decimal("1234.50")
    twice = importer.rejected(again)
    assert [twice[0][name] for name in header] == [given_back[1][name] for name in header]


def mended(importer: Importer, job: Import, wrong: str, right: str) -> bytes:
    from shared import files

    assert job.rejected_key is not None
    with files.open_key(job.rejected_key) as source:
        return source.read().replace(wrong.encode(), right.encode())


def test_cells_beyond_the_header_come_back_too(importer: Importer) -> None:
    content = to_csv(NAMES, [(*ANA, "sobra", "más")]).encode()
    job = importer.read(content)
    assert job.rejected == 1
    text = mended(importer, job, "", "").decode("utf-8-sig")
    assert text.splitlines()[1].endswith(";sobra;más")


# --- what others hear ---


def test_a_changed_address_is_announced_and_a_bounce_forgotten(
    importer: Importer, people: Sessions
) -> None:
    brought(importer, {"email": "ana@correo.ec", "acepta_correo": "sí"})
    change(people, mail_bounced=True)
    assert brought(importer, {"email": "ana@correo.ec"}).unchanged == 1
    assert person(people).mail_bounced
    brought(importer, {"email": "ana.mora@correo.ec", "telefono": "0991234567"})
    assert not person(people).mail_bounced
    told = [body for kind, body in outbox_of(people) if kind == "contact_states_changed"]
    [state] = told[-1]["customers"]
    assert (state["email"], state["phone"]) == ("ana.mora@correo.ec", "+593991234567")
    assert (state["mail_bounced"], state["mail_block"]) == (False, None)
    assert state["version"] == person(people).contact_version


def test_a_changed_telephone_alone_is_announced(importer: Importer, people: Sessions) -> None:
    brought(importer, {"email": "ana@correo.ec", "telefono": "0991234567"})
    brought(importer, {"telefono": "0997654321"})
    told = [body for kind, body in outbox_of(people) if kind == "contact_states_changed"]
    assert told[-1]["customers"][0]["phone"] == "+593997654321"


def test_an_unchanged_or_empty_address_is_not_announced(
    importer: Importer, people: Sessions
) -> None:
    brought(importer, {"email": "ana@correo.ec", "telefono": "0991234567"})
    brought(importer, {"email": "", "telefono": "", "direccion": "Calle 1"})
    assert "contact_states_changed" not in [kind for kind, _ in outbox_of(people)]


def test_a_dry_run_announces_nothing(importer: Importer, people: Sessions) -> None:
    brought(importer, {"email": "ana@correo.ec"})
    import_id = importer.add(
        to_csv((*NAMES, "email"), [(*ANA, "otra@correo.ec")]).encode(), dry_run=True
    )
    jobs.import_file(import_id)
    assert person(people).email == "ana@correo.ec"
    assert "contact_states_changed" not in [kind for kind, _ in outbox_of(people)]
