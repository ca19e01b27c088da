"""Each limit of a design by itself: the next one behind it must not be what holds."""

import pytest

from services.mailer import limits, syntax
from shared.errors import Invalid


def refused(check: str, source: str) -> str:
    with pytest.raises(Invalid) as error:
        limits.check(source) if check == "limits" else syntax.check(source, "html")
    return error.value.message


def test_ends_of_nothing_count_as_elements_do() -> None:
    limits.check("</p>" * 2 * limits.ELEMENTS)
    assert "elementos" in refused("limits", "</p>" * (2 * limits.ELEMENTS + 1))


def test_formatting_ends_with_its_cell_and_nowhere_else() -> None:
    open_in = "<table><tr><td><{0}>x</td></tr></table>", "<div><{0}>x</div>"
    limits.check(open_in[0].format("b") * (limits.UNCLOSED + 1))
    assert "sin cerrar" in refused("limits", open_in[1].format("b") * (limits.UNCLOSED + 1))


@pytest.mark.parametrize("bracket", ["(", "[", "{"])
@pytest.mark.parametrize("page", ["<p style='{0}'>x</p>", "<style>{0}</style>"])
def test_styles_are_measured_in_attributes_and_in_sheets(page: str, bracket: str) -> None:
    limits.check(page.format(bracket * limits.STYLE_DEPTH))
    assert "llaves" in refused("limits", page.format(bracket * (limits.STYLE_DEPTH + 1)))


@pytest.mark.parametrize("bracket", ["(", "["])
def test_a_condition_has_so_many_brackets_at_most(bracket: str) -> None:
    condition = "{{% if {0} %}}x{{% endif %}}"
    syntax.check(condition.format(bracket * syntax.BRACKETS), "html")
    assert "paréntesis" in refused("syntax", condition.format(bracket * (syntax.BRACKETS + 1)))


def test_a_design_has_so_many_fields_at_most() -> None:
    syntax.check("{{ nombres }}" * syntax.FIELDS, "html")
    assert "campos" in refused("syntax", "{{ nombres }}" * (syntax.FIELDS + 1))
