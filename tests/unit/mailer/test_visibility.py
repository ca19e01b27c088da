"""A design whose link for unsubscribing not everybody sees is refused."""

from typing import Any

import pytest

from services.mailer import builtin, cleaning, making
from shared.errors import Invalid

A = '<a href="{{ enlace_baja }}"'
LINK = f"{A}>Darse de baja</a>"


def build(html: str) -> dict[str, Any]:
    return making.build("Prueba", "", f"<p>Hola</p>{html}", {})


@pytest.mark.parametrize(
    "html",
    [
        LINK,
        f"{A} style='color:#64748b;font-size:11px'>Darse de baja</a>",
        f"<p style='font-size:80%'>{LINK}</p>",
        f"<table bgcolor='#000'><tr><td>{A} style='color:#fff'>Baja</a></td></tr></table>",
        f"<div style='background:#fff url(x)'>{LINK}</div>",
        f"{A}><img src='https://x.ec/baja.png' alt='Darse de baja' width='90'></a>",
        f"{{% if canton %}}<p>{LINK}</p>{{% endif %}}{LINK}",
        f"{{% if canton %}}<p>x</p>{{% endif %}}{LINK}",
        f"<p style='display:none'>Resumen</p>{LINK}",
        f"<style>@media print{{.x{{display:none!important}}}}</style><p class=x>x</p>{LINK}",
        f"<div style='overflow:hidden;width:600px'>{LINK}</div>",
        "<a href='{{enlace_baja}}'>Darse de baja</a>",
        f"{A}>Darse de baja{{% if canton %}} en {{{{ canton }}}}{{% endif %}}</a>",
    ],
)
def test_a_link_that_everybody_sees_will_do(html: str) -> None:
    build(html)


@pytest.mark.parametrize(
    ("html", "told"),
    [
        (f"{{% if canton %}}<p>{LINK}</p>{{% endif %}}", "condición"),
        (f"{{% if canton %}}<p>x</p>{{% else %}}{LINK}{{% endif %}}", "condición"),
        (f"{A}>{{% if canton %}}Darse de baja{{% endif %}}</a>", "no tiene texto"),
        (f"<!-- {LINK} -->", "pulsarse"),
        (f"{A}></a>", "no tiene texto"),
        (f"{A}>&nbsp; .</a>", "no tiene texto"),
        (f"{A}>{{{{ canton }}}}</a>", "no tiene texto"),
        (f"{A}><img src='https://x.ec/a.png'></a>", "no tiene texto"),
        ("<a href='https://x.ec/?{{ enlace_baja }}'>Darse de baja</a>", "pulsarse"),
        ("<p title='{{ enlace_baja }}'>Darse de baja</p>", "pulsarse"),
        (f"{A} style='display:none'>Baja</a>", "no se ve"),
        (f"{A} style='DISPLAY : None !important'>Baja</a>", "no se ve"),
        (f"<div style='display:none'><p>{LINK}</p></div>", "no se ve"),
        (f"<style>.x{{display:none}}</style><p class=x>{LINK}</p>", "no se ve"),
        (f"<p style='visibility:hidden'>{LINK}</p>", "no se ve"),
        (f"<p style='mso-hide:all'>{LINK}</p>", "no se ve"),
        (f"<p style='opacity:0.01'>{LINK}</p>", "no se ve"),
        (f"<p style='font-size:0'>{LINK}</p>", "no se ve"),
        (f"<p style='font-size:1px'>{LINK}</p>", "no se ve"),
        (f"<p style='font-size:10%'>{LINK}</p>", "no se ve"),
        (f"<p style='font:bold 1px/2 Arial'>{LINK}</p>", "no se ve"),
        (f"<p style='font-size:40%'><b style='font-size:40%'>{LINK}</b></p>", "no se ve"),
        (f"<p style='font-size:calc(1px)'>{LINK}</p>", "no se ve"),
        (f"<p style='font:calc(1px) Arial'>{LINK}</p>", "no se ve"),
        (f"<p style='content-visibility:hidden'>{LINK}</p>", "no se ve"),
        (f"<p style='pointer-events:none'>{LINK}</p>", "no se ve"),
        (f"<p style='text-indent:-9999px'>{LINK}</p>", "no se ve"),
        (f"<div style='max-height:0;overflow:hidden'>{LINK}</div>", "no se ve"),
        (f"{A} style='color:#fff'>Baja</a>", "no se ve"),
        (f"{A} style='color:#fefefe'>Baja</a>", "no se ve"),
        (f"{A} style='color:white'>Baja</a>", "no se ve"),
        (f"{A} style='color:rgba(0,0,0,0)'>Baja</a>", "no se ve"),
        (f"{A} style='color:transparent'>Baja</a>", "no se ve"),
        (f"{A}><font color='#ffffff'>Baja</font></a>", "no se ve"),
        (f"<td bgcolor='#0b5ed7'>{A} style='color:rgb(11,94,215)'>Baja</a></td>", "no se ve"),
        (f"<p style='background:rgba(0,0,0,.1)'>{A} style='color:#fff'>Baja</a></p>", "no se ve"),
        (f"<p style='background:navy'>{A} style='color:#000080'>Baja</a></p>", "no se ve"),
        (f"<style>@media screen{{a{{display:none!important}}}}</style>{LINK}", "no se ve"),
        (f"<style>@media all{{.f a{{font-size:0!important}}}}</style><p class=f>{LINK}</p>", "ve"),
    ],
)
def test_a_link_that_somebody_does_not_see_is_refused(html: str, told: str) -> None:
    if html.startswith("<td"):
        html = f"<table><tr>{html}</tr></table>"
    with pytest.raises(Invalid, match=told) as error:
        build(html)
    assert error.value.fields[0].field == "html"


@pytest.mark.parametrize(
    "html",
    [
        '<p title="{#~">~#}<script>alert(1)</script>">x</p>',
        "{#~ <b title='~#}<script>alert(1)</script>'>",
        "{{ '\"><script>alert(1)</script>' }}",
        '<p title="{{ \'"><img src=x onerror=alert(1)>\' }}">x</p>',
        "{% raw %}{% <script>alert(1)</script> %}{% endraw %}",
        "{% if canton == '%}<script>alert(1)</script>{%' %}x{% endif %}",
        '<p title="&#123;% if canton %}"> &#123;% endif %} <b title=" onclick=alert(1) ">x</b></p>',
        "&#123;% raw %}<p>x</p>&#123;% endraw %}",
        "{<script></script>{ '<script>' }}",
    ],
)
def test_nothing_of_the_template_smuggles_markup_past_the_cleaning(html: str) -> None:
    with pytest.raises(Invalid):
        build(f"{html}{LINK}")


def test_what_a_person_is_called_does_not_become_where_a_link_leads() -> None:
    made = build(
        f"<a href='{{{{ nombres }}}}'>x</a><a href='https://x.ec/{{{{ canton }}}}'>y</a>{LINK}"
    )
    assert 'href="{{ nombres }}"' not in made["html"]
    assert 'href="https://x.ec/{{ canton }}"' in made["html"]


def test_designs_of_the_product_keep_what_they_say_to_outlook() -> None:
    for values in builtin.built().values():
        html = values["html"]
        assert html.count("<!--[if mso | IE]>") == html.count("<![endif]-->") - html.count(
            "<!--[if mso]>"
        ) - html.count("<!--[if lte mso 11]>")
        assert html.count("<!--[if mso | IE]>") > 5
        head = html.partition("<body")[0]
        assert "<o:PixelsPerInch>" in head
        assert "mj-outlook-group-fix" in head
        assert "outlook-" not in html.replace("mj-outlook-", "").replace('-outlook"', "")
        assert "[if" not in values["text"]


def test_what_others_say_to_outlook_is_taken_out() -> None:
    assert "[if" not in cleaning.clean(f"<!--[if mso]><p>x</p><![endif]--><p>x</p>{LINK}", {}).html
