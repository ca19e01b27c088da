"""Personal fields: what a template may say, and what comes of it."""

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.mailer import merge
from shared.errors import Invalid


@dataclass(frozen=True)
class Person:
    first_names: str = "María José"
    last_names: str = "Ñauñay Yépez"
    province: str | None = "17"
    canton: str | None = "1701"
    category: str | None = "loyal"
    joined_on: date | None = date(2010, 5, 1)


def values(person: Person) -> dict[str, str]:
    return merge.values_of(
        person, campaign="Fibra", unsubscribe_url="https://pregon.example/baja/x"
    )


def test_fields_of_a_template_are_listed_in_published_order() -> None:
    template = "{% if provincia == 'Azuay' %}{{ apellidos }}{% endif %} {{ nombres }}"
    assert merge.check(template) == ["nombres", "apellidos", "provincia"]


def test_misspelt_field_names_line_and_nearest() -> None:
    with pytest.raises(Invalid) as error:
        merge.check("<p>Hola</p>\n<p>{{ primer_nonbre }}</p>")
    found = error.value.fields[0]
    assert found.field == "html"
    assert "Línea 2" in found.message
    assert "«primer_nombre»" in found.message


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(Invalid) as error:
        merge.check("{{ nombrez }}\n{{ canton }}\n{{ xyz }}")
    assert [field.message.split(":")[0] for field in error.value.fields] == ["Línea 1", "Línea 3"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ nombres.__class__ }}",
        "{{ nombres|upper }}",
        "{% for x in nombres %}{% endfor %}",
        "{{ nombres() }}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{{ 7 * 7 }}",
        "{% if nombres in ['a'] %}x{% endif %}",
    ],
)
def test_anything_but_fields_and_simple_conditions_is_refused(template: str) -> None:
    with pytest.raises(Invalid, match="Línea 1"):
        merge.check(template)


def test_a_brace_that_does_not_close_names_its_line() -> None:
    with pytest.raises(Invalid, match="Línea 3"):
        merge.check("a\nb\n{{ nombres }")


def test_style_sheets_with_hash_after_brace_are_no_comments() -> None:
    assert merge.check("@media print{#logo{display:none}} {{ nombres }}") == ["nombres"]


def test_values_of_a_person() -> None:
    found = values(Person())
    assert set(found) == set(merge.NAMES)
    assert found["primer_nombre"] == "María"
    assert found["provincia"] == "Pichincha"
    assert found["categoria"] == "leal"
    assert found["cliente_desde"] == "2010"


def test_what_is_not_known_is_empty() -> None:
    found = values(Person(province=None, canton="9999", category=None, joined_on=None))
    assert [found[name] for name in ("provincia", "canton", "categoria", "cliente_desde")] == [
        ""
    ] * 4


@given(st.text(max_size=40))
@example("Ana\r\nBcc: otra@correo.example")
@example('<b title="x">Ana</b>')
def test_values_are_escaped_in_html_and_stay_one_line(name: str) -> None:
    found = values(Person(first_names=name))
    html = merge.compile_html("{{ nombres }}")(found)
    assert "<" not in html
    assert '"' not in html
    subject = merge.compile_text("{{ nombres }}")(found)
    assert "\n" not in subject
    assert "\r" not in subject


def test_conditions_choose() -> None:
    fill = merge.compile_text("{% if categoria == 'leal' %}A{% else %}B{% endif %}")
    assert fill(values(Person())) == "A"
    assert fill(values(Person(category="new"))) == "B"
