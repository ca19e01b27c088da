"""A password by the link in a mail, at the running product, by a client that knows HTTP alone."""

import re
import secrets
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from tests.product import Product

pytestmark = pytest.mark.timeout(300)  # with the product's start
PASSWORD, OTHER = "correo-lluvia-mesa", "plato verde luna"
LINK = re.compile(r"^https?://\S+(/ingresar/clave/\S+)$", re.MULTILINE)


class Person:
    """Somebody with a user and a mailbox, and a browser of sorts."""

    def __init__(self, product: Product, **values: Any) -> None:
        self.product = product
        self.name = f"olga.{secrets.token_hex(3)}"
        self.email = f"{self.name}@correo.example"
        about = {"username": self.name, "full_name": "Olga Olvido", "role": "backoffice"}
        new = about | {"email": self.email, "password": PASSWORD} | values
        answer = product.client("admin").post("/users", json=new).raise_for_status()
        self.id = answer.json()["id"]
        self.http = httpx.Client(
            base_url=product.address, headers={"Origin": product.address}, timeout=30
        )

    def log_in(self, password: str) -> int:
        given = {"username": self.name, "password": password}
        return self.http.post("/ingresar", data=given).status_code

    def ask(self, who: str) -> httpx.Response:
        return self.http.post("/ingresar/recuperar", data={"who": who})

    def mails(self) -> list[EmailMessage]:
        folder = Path(self.product.settings["PREGON_MAIL_CATCHER_DIR"]) / "new"
        return [
            message_from_bytes(content, policy=policy.default)
            for path in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime_ns)
            if self.email.encode() in (content := path.read_bytes())
        ]

    def links(self) -> list[str]:
        """Their paths, oldest first."""
        return [found[1] for mail in self.mails() if (found := LINK.search(said(mail)))]

    def choose(self, link: str, password: str = OTHER) -> int:
        return self.http.post(link, data={"password": password, "repeated": password}).status_code

    def state(self) -> dict[str, Any]:
        address = f"/users/{self.id}/password-link"
        answer = self.product.client("admin").get(address).raise_for_status()
        return dict(answer.json()) if answer.content else {}


Make = Callable[..., Person]


@pytest.fixture
def make(product: Product) -> Iterator[Make]:
    """`make(email=None)`: somebody with a user."""
    made: list[Person] = []

    def one(**values: Any) -> Person:
        made.append(Person(product, **values))
        return made[-1]

    yield one
    for person in made:
        person.http.close()


def said(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def move(product: Product, person: Person, minutes: int) -> None:
    """As if so many minutes were over: nobody waits for half an hour."""
    url = product.settings["PREGON_DATABASE_URL"]
    with psycopg2.connect(f"{url}/{product.environ['PREGON_NAMESPACE']}_identity") as connection:
        connection.cursor().execute(
            "UPDATE password_link SET expires_at = expires_at - %s * interval '1 minute'"
            " WHERE user_id = %s",
            (minutes, person.id),
        )
    connection.close()


def test_a_link_out_of_the_mail_gives_another_password_once(
    product: Product, make: Make, until: Any
) -> None:
    olga = make()
    assert olga.log_in(PASSWORD) == 303
    running = olga.http.cookies["pregon_session"]
    assert olga.ask(olga.email).status_code == 200
    until(lambda: len(olga.links()) == 1)
    until(lambda: olga.state()["state"] == "sent")
    (link,) = olga.links()
    assert [olga.http.get(link).status_code for _ in range(3)] == [200, 200, 200]
    assert olga.choose(link, "olga olvido") == 422
    assert olga.choose(link) == 303
    assert olga.choose(link, "mesa lluvia correo") == 404
    assert olga.http.get(link).status_code == 404
    with httpx.Client(base_url=product.address, cookies={"pregon_session": running}) as former:
        assert former.get("/").headers["location"].startswith("/ingresar")
    assert olga.log_in(PASSWORD) == 403
    assert olga.log_in(OTHER) == 303
    assert olga.state()["state"] == "used"
    until(lambda: "fue cambiada" in said(olga.mails()[-1]))
    logs = "".join(path.read_text(errors="replace") for path in product.run_dir.rglob("*.log"))
    assert link.rpartition("/")[2] not in logs
    assert olga.email not in logs


def test_after_half_an_hour_and_after_a_later_one_a_link_is_no_good(
    product: Product, make: Make, until: Any
) -> None:
    olga = make()
    olga.ask(olga.name)
    until(lambda: len(olga.links()) == 1)
    olga.ask(olga.name)
    until(lambda: len(olga.links()) == 2)
    until(lambda: olga.state()["state"] == "sent")
    first, second = olga.links()
    assert olga.http.get(first).status_code == 404
    move(product, olga, 29)
    assert olga.http.get(second).status_code == 200
    move(product, olga, 1)
    assert olga.choose(second) == 404
    assert olga.log_in(PASSWORD) == 303


def test_the_answer_is_the_same_whoever_it_is(product: Product, make: Make, until: Any) -> None:
    olga, bare, gone = make(), make(email=None), make()
    admin = product.client("admin")
    admin.patch(f"/users/{gone.id}", json={"active": False}).raise_for_status()
    names = (olga.name, bare.name, gone.name, gone.email, f"nadie.{secrets.token_hex(3)}")
    answers = [olga.ask(who) for who in names]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    headers = [{**answer.headers} for answer in answers]
    for kept in headers:
        for own in ("date", "x-trace-id"):
            del kept[own]
    assert all(kept == headers[0] for kept in headers)
    until(lambda: len(olga.links()) == 1)
    assert gone.mails() == []


def test_who_is_invited_chooses_the_first_password(
    product: Product, make: Make, until: Any
) -> None:
    olga = make(password=None)
    assert olga.log_in(OTHER) == 403
    until(lambda: len(olga.links()) == 1)
    again = product.client("admin").post(f"/users/{olga.id}/invitation")
    assert again.status_code == 202
    until(lambda: len(olga.links()) == 2)
    first, second = olga.links()
    assert olga.choose(first) == 404
    assert olga.choose(second) == 303
    assert olga.log_in(OTHER) == 303
    assert product.client("admin").post(f"/users/{olga.id}/invitation").status_code == 409


def test_a_new_log_in_ends_the_browsers_session_and_a_running_one_leads_on(
    product: Product, make: Make
) -> None:
    olga = make()
    olga.log_in(PASSWORD)
    first = olga.http.cookies["pregon_session"]
    assert olga.http.get("/ingresar").headers["location"] == "/"
    olga.log_in(PASSWORD)
    assert olga.http.cookies["pregon_session"] != first
    with httpx.Client(base_url=product.address, cookies={"pregon_session": first}) as former:
        assert former.get("/").headers["location"].startswith("/ingresar")
    assert olga.http.get("/").status_code == 200
