"""A part of a page that asks again and again: what it said of a failure goes away after it."""

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

ASKING = """
() => {
  const part = document.createElement("div");
  part.id = "asking";
  part.setAttribute("hx-get", "/clientes/importaciones/1/avance");
  part.setAttribute("hx-trigger", "every 200ms");
  part.setAttribute("hx-swap", "innerHTML");
  document.getElementById("content").append(part);
  htmx.process(part);
}
"""
DOWN = '<div class="alert alert-danger" role="alert">El servicio no responde.</div>'


def test_the_red_notice_of_a_progress_goes_away_when_it_answers_again(
    log_in: Callable[[str], Page],
) -> None:
    page = log_in("jefe")
    is_down = [True]

    def answer(route: Route) -> None:
        if is_down[0]:
            route.fulfill(status=503, content_type="text/html", body=DOWN)
        else:
            route.fulfill(status=200, content_type="text/html", body="<p>Sigue</p>")

    page.route("**/importaciones/1/avance", answer)
    page.goto("/clientes/importar")
    page.evaluate(ASKING)
    notices = page.locator("#notices")
    expect(notices).to_contain_text("El servicio no responde.")
    is_down[0] = False
    expect(page.locator("#asking")).to_contain_text("Sigue")
    expect(notices).to_be_empty()
