"""Letters with a link: it is in the mail, and nowhere before."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from services.mailer import jobs, letters
from services.mailer.models import ServiceMail
from shared import mail_links
from shared.contracts.mailer import Addressee, LetterTemplate, RecipientState
from shared.settings import settings
from tests.jobs.deliveries import deliver
from tests.jobs.mailer.conftest import Mailer, Post

ANA = Addressee(full_name="Ana Mora", email="ana@correo.example")


def ask(mailer: Mailer) -> tuple[str, str]:
    """A letter that waits, and the word that its reader will find."""
    seed = mail_links.make_seed()
    fields = {mail_links.FIELD: seed, "lasts": "30 minutos"}
    with mailer.sessions.begin() as session:
        letters.insert_letter(session, LetterTemplate.PASSWORD_RESET, ANA, fields, f"link:{seed}")
    return seed, mail_links.word(seed, ANA.email)


def kept(mailer: Mailer) -> str:
    """All that the room holds of it: rows, jobs, events."""
    rows: list[Any] = []
    with mailer.sessions() as session:
        for table in ("service_mail", "outbox", "inbox"):
            rows += session.execute(text(f"SELECT to_jsonb({table}) FROM {table}")).scalars()
    return json.dumps(rows)


def test_the_link_is_in_the_mail_and_nowhere_else(mailer: Mailer, post: Post) -> None:
    _, word = ask(mailer)
    before = kept(mailer)
    mailer.drain()
    url = f"{settings().public_url}/ingresar/clave/{word}"
    plain, html = (post.message().get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert f"\n\n{url}\n\n" in plain.get_content().replace("\r\n", "\n")
    assert f'<a href="{url}"' in html.get_content()
    assert "<img" not in html.get_content()
    assert word not in before + kept(mailer)


def test_a_letter_that_waits_while_the_keys_rotate_holds_the_same_link(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, word = ask(mailer)
    monkeypatch.setattr(settings(), "former_keys", settings().secret_key)
    monkeypatch.setattr(settings(), "secret_key", "k" * 40)
    mailer.drain()
    assert word in post.got[-1][1].decode()


def test_a_letter_whose_key_is_gone_comes_to_an_end(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(mailer)
    monkeypatch.setattr(settings(), "secret_key", "k" * 40)
    with mailer.sessions() as session:
        (letter_id,) = session.execute(select(ServiceMail.id)).scalars()
    deliver(jobs.send_letter, letter_id)
    with mailer.sessions() as session:
        assert session.get_one(ServiceMail, letter_id).state is RecipientState.FAILED
    assert post.got == []


def test_whoever_asked_hears_how_it_ended(mailer: Mailer, post: Post) -> None:
    seed, _ = ask(mailer)
    mailer.drain()
    (ended,) = mailer.events("letter_ended")
    assert (ended["reference"], ended["state"], ended["reason"]) == (f"link:{seed}", "sent", "")
    post.refuse[ANA.email] = "550 no such user"
    ask(mailer)
    mailer.drain()
    ended = mailer.events("letter_ended")[-1]
    assert (ended["state"], "550" in ended["reason"]) == ("failed", True)
    assert ANA.email not in json.dumps(ended)
