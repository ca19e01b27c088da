"""Uploaded HTML made harmless."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer import builtin, cleaning, making, styles
from shared.errors import Invalid
from shared.settings import settings

LINK = '<a href="{{ enlace_baja }}">Darse de baja</a>'


def build(html: str, images: dict[str, str] | None = None) -> dict[str, Any]:
    return making.build("Prueba", "Hola {{ primer_nombre }}", html, images or {})


def cleaned(html: str) -> str:
    return str(build(f"<p>Hola</p>{LINK}{html}")["html"])


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<img src="https://x.example/a.png" onerror="alert(1)">', "onerror"),
        ('<a href="javascript:alert(1)">x</a>', "javascript"),
        ('<iframe src="https://x.example"></iframe>', "iframe"),
        ('<form action="https://x.example"><input name="a"></form>', "formulario"),
        ('<meta http-equiv="refresh" content="0;url=https://x.example">', "redirección"),
        ('<link rel="stylesheet" href="https://x.example/a.css">', "hoja de estilos"),
        ("<svg onload=alert(1)></svg>", "SVG"),
        ('<object data="https://x.example"></object>', "objeto"),
        ('<img src="https://t.example/p" width="1" height="1">', "seguimiento de t.example"),
        ('<img src="logo.png">', "no vino con el archivo"),
    ],
)
def test_dangerous_things_are_taken_out_and_told(html: str, told: str) -> None:
    design = build(f"{html}<p>Hola</p>{LINK}")
    text = str(design["html"]).lower()
    for trace in ("<script", "onerror", "javascript:", "<iframe", "<form", "<input", "http-equiv"):
        assert trace not in text
    for trace in ("<link", "<svg", "onload", "<object", "t.example", "logo.png"):
        assert trace not in text
    assert told in " ".join(design["removed"])


_HANDLERS = (
    "onabort onanimationstart onauxclick onbeforeinput onblur onchange onclick oncontextmenu "
    "ondblclick ondragstart onerror onfocus onfocusin oninput onkeydown onload onmousedown "
    "onmouseenter onmouseover onpointerdown onpointerenter onscroll onsubmit ontoggle "
    "ontouchstart ontransitionend onwheel ONCLICK"
)
_LEADING_OUT = "action background data formaction manifest ping poster srcdoc srcset xlink:href"


@pytest.mark.parametrize("tag", sorted(cleaning.TAGS))
def test_no_element_that_stays_keeps_a_handler_or_another_way_out(tag: str) -> None:
    names = [*_HANDLERS.split(), *_LEADING_OUT.split()]
    attributes = " ".join(f'{name}="https://x.example/?{name}"' for name in names)
    text = cleaning.clean(f"<p>Hola</p><table><{tag} {attributes}>x</{tag}></table>", {}).html
    assert "x.example" not in text
    text = cleaning.clean(f"<p>Hola</p><{tag} {attributes}>x</{tag}>", {}).html
    assert "x.example" not in text


def test_images_on_other_sites_stay_and_are_told() -> None:
    design = build(f'<img src="https://cdn.example/a.png" width="600">{LINK}')
    assert "https://cdn.example/a.png" in str(design["html"])
    assert design["removed"] == ["Aviso: una imagen se carga desde cdn.example."]


@pytest.mark.parametrize(
    "html",
    [
        "<!--><script>alert(1)</script>-->",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        '<a title="<!--"><b title="--><script>alert(1)</script>">x</b></a>',
        '<p title="<!--pregon:0--><script>alert(1)</script>">x</p>',
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<svg><p><style><g title='</style><img src=x onerror=alert(1)>'>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<style>@media x{a{background:url(javascript:alert(1))}}</style>",
        "<style></style><script>alert(1)</script>",
        "<p style='background:url(https://x.example/p.png)'>x</p>",
        "<p style='width:expression(alert(1))'>x</p>",
    ],
)
def test_known_ways_around_cleaning_lead_nowhere(html: str) -> None:
    text = cleaned(html)
    assert not re.search(r"<[^>]*\son\w+\s*=", text)
    for trace in ("<script", "url(", "expression("):
        assert trace not in text.lower()


def test_cleaning_again_changes_nothing() -> None:
    first = str(
        build(f"<table><tr><td style='color:red'>Hola {{{{ nombres }}}}</td></tr></table>{LINK}")[
            "html"
        ]
    )
    again = cleaning.clean(first, {}).html
    assert again == first


def test_styles_are_inlined_and_media_rules_kept() -> None:
    html = cleaned(
        "<style>.a{color:red}@media (max-width:600px){.a{color:blue}}</style><p class=a>x</p>"
    )
    assert 'style="color: red' in html
    assert "@media (max-width:600px)" in html


def test_conditions_in_a_table_stay_where_they_were() -> None:
    html = cleaned(
        "<table>{% if provincia %}<tr><td>A</td></tr>{% endif %}<tr><td>B</td></tr></table>"
    )
    assert re.search(r"<table>.*{% if provincia %}\s*(<tbody>)?\s*<tr>", html, re.DOTALL)


def test_condition_inside_a_tag_is_refused() -> None:
    with pytest.raises(Invalid, match=r"elementos enteros|mal escrita"):
        build(f'<p class="{{% if provincia %}}a{{% endif %}}">x</p>{LINK}')


def test_missing_unsubscribe_link_is_refused_on_html() -> None:
    with pytest.raises(Invalid, match="enlace para darse de baja") as error:
        build("<p>Hola {{ nombres }}</p>")
    assert error.value.fields[0].field == "html"


def test_unsubscribe_address_that_cannot_be_clicked_is_refused() -> None:
    with pytest.raises(Invalid, match="pulsarse"):
        build("<p>{{ enlace_baja }}</p>")


def test_fields_made_of_entities_are_checked_too() -> None:
    with pytest.raises(Invalid):
        build(f"<p>&#123;&#123; nombres.x }}}}</p>{LINK}")


@pytest.mark.parametrize("html", ["", "solo texto {{ enlace_baja }}"])
def test_what_is_no_html_is_refused(html: str) -> None:
    with pytest.raises(Invalid, match="no es HTML"):
        build(html)


def test_too_large_html_is_refused() -> None:
    with pytest.raises(Invalid, match="500 KB"):
        build("<p>" + "x" * making.SIZE_LIMIT)


def test_images_of_the_zip_point_to_the_store() -> None:
    key = "ab/" + "0" * 32 + ".png"
    design = build(f'<img src="img/Logo.PNG" alt="Logo">{LINK}', {"logo.png": key})
    compiled = making.compile_design("a", str(design["html"]), "b")
    assert f'src="{settings().public_url}/imagenes/{key}"' in compiled.html(
        {"enlace_baja": "https://pregon.example/baja/x"}
    )
    assert design["image_keys"] == [key]


def test_text_part_has_the_words_and_the_links() -> None:
    text = cleaning.to_text(
        "<h1>Oferta</h1><p>Vea <a href='https://a.example'>aquí</a>.</p><ul><li>uno</li></ul>"
    )
    assert text == "Oferta\n\nVea aquí (https://a.example).\n\n- uno\n"


@given(st.text(alphabet="<>/ab={}%!-\"' \n", max_size=120))
def test_no_input_leaves_a_tag_that_is_not_allowed(html: str) -> None:
    try:
        text = cleaning.clean(f"<p>x</p>{html}", {}).html
    except Invalid:
        return
    body = text.partition("<body")[2]
    tags = {tag.lower() for tag in re.findall(r"</?([a-zA-Z]+)", body)}
    assert tags <= cleaning.TAGS | {"body", "html"}


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        ("color:red;background:url(x)", "color: red"),
        ("position:fixed;color:red", "color: red"),
        ("width:calc(100% - 2px)", "width: calc(100% - 2px)"),
        ("color:rgb(1,2,3) !important", "color: rgb(1,2,3) !important"),
        ("color:</style>", ""),
    ],
)
def test_declarations_keep_only_plain_values(css: str, kept: str) -> None:
    assert styles.clean_declarations(css) == kept


def test_builtin_designs_are_clean_and_responsive() -> None:
    for values in builtin.built().values():
        assert "{{ enlace_baja }}" in values["html"]
        assert "@media" in values["html"]
        assert values["removed"] == []
        assert len(values["html"]) < 30_000
