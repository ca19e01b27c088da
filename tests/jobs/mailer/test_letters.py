"""Letters on a real mail server: once for each reference, and every one comes to an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from services.mailer import contacts, jobs, letters, messages, posting, smtp
from services.mailer.models import Contact, MailServer, ServiceMail
from shared import mail_links
from shared.contracts.customer_query import ContactState
from shared.contracts.mailer import Addressee, LetterTemplate, RecipientState, told
from shared.settings import settings
from tests.jobs.deliveries import deliver, failing
from tests.jobs.mailer.conftest import Mailer, Post

ALWAYS = 10**6
DEFECT = KeyError("a defect")
EMAIL = "ana@correo.example"
ANA = Addressee(customer_id=7, full_name="Ana María Mora", email=EMAIL)
ERASED = (LetterTemplate.DATA_ERASED, ANA, {"erased_on": "21 nov 2026"})


class Killed(BaseException):
    """The worker is gone: nothing catches this."""


def ask(mailer: Mailer, reference: str = "erased:7", person: Addressee = ANA) -> int:
    """A letter is asked for; its job waits in the outbox."""
    with mailer.sessions.begin() as session:
        template, _, fields = ERASED
        return letters.insert_letter(session, template, person, fields, reference).id


def row(mailer: Mailer, letter_id: int = 1) -> ServiceMail:
    with mailer.sessions() as session:
        return session.get_one(ServiceMail, letter_id)


def erase(mailer: Mailer, customer_id: int = 7) -> None:
    with mailer.sessions.begin() as session:
        contacts.erase(session, [customer_id])
        letters.erase(session, [customer_id])


def hear(mailer: Mailer, **values: Any) -> None:
    state = {"customer_id": 7, "version": 1, "email": EMAIL, "phone": None}
    told = state | {"mail_block": None, "phone_block": None} | values
    with mailer.sessions.begin() as session:
        contacts.keep_states(session, [ContactState.model_validate(told)])


def notices(mailer: Mailer) -> list[str]:
    return [event["title"] for event in mailer.events("notice_requested")]


def check_blank(found: ServiceMail) -> None:
    assert (found.full_name, found.email, found.fields) == ("", None, {})


# --- what goes out ---


def test_a_letter_goes_out_as_text_and_page(mailer: Mailer, post: Post) -> None:
    ask(mailer)
    mailer.drain()
    message = post.message()
    assert post.addresses == [EMAIL]
    assert (message["subject"], message["to"]) == (
        "Sus datos fueron eliminados",
        f"Ana María Mora <{EMAIL}>",
    )
    assert message["list-unsubscribe"] is message["precedence"] is None
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert "Hola, Ana:" in part.get_content()
        assert "El 21 nov 2026 eliminamos" in part.get_content()
    found = row(mailer)
    assert (found.state, found.attempt, found.reason) == (RecipientState.SENT, 1, None)
    assert found.sent_at is not None
    assert notices(mailer) == []


@pytest.mark.parametrize("template", LetterTemplate)
def test_every_template_has_its_words_and_escapes_what_fills_it(
    mailer: Mailer, post: Post, template: LetterTemplate
) -> None:
    person = Addressee(full_name="<b>Ana\r\nBcc: x@y.example</b>", email=EMAIL)
    texts = template.fields - {mail_links.FIELD}
    link = {mail_links.FIELD: mail_links.make_seed()} if texts != template.fields else {}
    fields = {name: f"<i>{name}</i>" for name in texts} | link
    with mailer.sessions.begin() as session:
        letters.insert_letter(session, template, person, fields, "x")
    mailer.drain()
    message = post.message()
    assert (message["subject"], message["bcc"]) == (template.word, None)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    for name in texts:
        assert f"<i>{name}</i>" in plain.get_content()
        assert f"&lt;i&gt;{name}&lt;/i&gt;" in html.get_content()
    assert "<i>" not in html.get_content()


def test_a_letter_asked_for_twice_and_delivered_twice_goes_out_once(
    mailer: Mailer, post: Post
) -> None:
    other = ANA.model_copy(update={"email": "otra@correo.example"})
    assert ask(mailer) == ask(mailer, person=other)
    mailer.drain()
    ask(mailer)
    mailer.drain()
    assert deliver(jobs.send_letter, 1) == []
    assert post.addresses == [EMAIL]
    ask(mailer, "erased:8")
    mailer.drain()
    assert len(post.got) == 2


def test_consent_and_the_contact_cap_do_not_concern_a_letter(mailer: Mailer, post: Post) -> None:
    hear(mailer, mail_block="do_not_contact")
    ask(mailer)
    mailer.drain()
    assert post.addresses == [EMAIL]
    with mailer.sessions() as session:
        assert session.execute(select(Contact)).first() is None
    assert mailer.events("mailing_progressed") == []


@pytest.mark.parametrize("customer_id", [7, 8, None])
def test_an_address_that_bounces_is_left_alone(
    mailer: Mailer, post: Post, customer_id: int | None
) -> None:
    hear(mailer, mail_block="no_consent", mail_bounced=True)
    ask(mailer, person=ANA.model_copy(update={"customer_id": customer_id}))
    mailer.drain()
    found = row(mailer)
    assert (found.state, found.reason, post.got) == (RecipientState.SKIPPED, "bounced", [])
    assert notices(mailer) == ["No salió el correo «Sus datos fueron eliminados»"]


def test_who_was_erased_is_still_known_to_bounce(mailer: Mailer, post: Post) -> None:
    hear(mailer, mail_block="bounced", mail_bounced=True)
    erase(mailer)
    ask(mailer)
    mailer.drain()
    assert (row(mailer).state, post.got) == (RecipientState.SKIPPED, [])


def test_an_address_that_no_mail_can_have_fails(mailer: Mailer, post: Post) -> None:
    ask(mailer, person=ANA.model_copy(update={"email": "añá@correo.example"}))
    mailer.drain()
    found = row(mailer)
    assert (found.state, post.got) == (RecipientState.FAILED, [])
    assert found.reason == smtp.UNUSABLE.text


# --- what goes wrong ---


def test_a_letter_whose_sending_failed_once_goes_out(mailer: Mailer, post: Post) -> None:
    ask(mailer)
    with failing(messages, "compose_letter", times=1):
        assert deliver(jobs.send_letter, 1) == ["wait.5s"]
    assert post.addresses == [EMAIL]
    assert row(mailer).state is RecipientState.SENT


def test_a_letter_that_is_refused_for_now_is_tried_again(mailer: Mailer, post: Post) -> None:
    ask(mailer)
    post.refuse[EMAIL] = "450 come back later"
    with relenting(post):
        assert deliver(jobs.send_letter, 1) == ["wait.5s", "wait.60s"]
    found = row(mailer)
    assert (found.state, found.attempt, found.reason) == (RecipientState.SENT, 3, None)
    assert post.addresses == [EMAIL]


@contextmanager
def relenting(post: Post) -> Iterator[None]:
    """The server takes at the third try what it refused before."""
    send, tries = smtp.Line.send, []

    def send_and_count(line: smtp.Line, *args: Any) -> Any:
        tries.append(args)
        if len(tries) == 3:
            post.refuse.clear()
        return send(line, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smtp.Line, "send", send_and_count)
        yield


def test_a_letter_that_is_refused_for_good_fails_in_the_servers_words(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    post.refuse[EMAIL] = f"550 5.1.1 <{EMAIL}> no such user"
    assert deliver(jobs.send_letter, 1) == []
    found = row(mailer)
    assert (found.state, found.sent_at) == (RecipientState.FAILED, None)
    assert found.reason == "550 5.1.1 <a…@correo.example> no such user"
    (notice,) = mailer.events("notice_requested")
    assert (notice["role"], notice["link"]) == ("admin", "/clientes/7")
    assert notice["detail"] == told(found.reason)


def test_a_letter_that_is_refused_for_now_again_and_again_fails_in_the_servers_words(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    post.refuse[EMAIL] = "450 come back later"
    went = deliver(jobs.send_letter, 1)
    assert went[:3] == ["wait.5s", "wait.60s", "wait.600s"]
    assert went[-2:] == ["jobs.mailer", "dead.jobs"]
    assert (row(mailer).state, row(mailer).reason) == ("failed", "450 come back later")
    assert len(notices(mailer)) == 1


def test_a_mail_server_that_is_away_is_left_alone_and_the_letter_waits(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(mailer)
    monkeypatch.setattr(settings(), "smtp_url", "smtp://127.0.0.1:1")
    went = deliver(jobs.send_letter, 1)
    assert went[-2:] == ["jobs.mailer", "dead.jobs"]
    with mailer.sessions() as session:
        assert session.execute(select(MailServer.failures)).scalar_one() == 1  # not asked again
    found = row(mailer)
    assert (found.state, found.attempt) == (RecipientState.FAILED, 0)
    assert "no acepta conexiones" in (found.reason or "")


def test_a_letter_that_cannot_be_made_fails_and_says_so(mailer: Mailer, post: Post) -> None:
    ask(mailer)
    with failing(messages, "compose_letter", ALWAYS, DEFECT):
        deliver(jobs.send_letter, 1)
    assert row(mailer).state is RecipientState.FAILED
    assert "error interno" in (row(mailer).reason or "")
    assert (len(notices(mailer)), post.got) == (1, [])


# --- what may be out ---


def test_a_letter_whose_sender_was_killed_is_doubtful_and_not_sent_again(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    with killed_after_sending(), pytest.raises(Killed):
        jobs.send_letter.run(1)
    assert row(mailer).state is RecipientState.SENDING
    mailer.drain()
    ask(mailer)
    mailer.drain()
    assert row(mailer).state is RecipientState.DOUBTFUL
    assert post.addresses == [EMAIL]
    assert notices(mailer) == ["No se sabe si salió el correo «Sus datos fueron eliminados»"]


@contextmanager
def killed_after_sending() -> Iterator[None]:
    """The worker dies when the server has taken the mail and before that is written down."""
    send = smtp.Line.send

    def send_and_die(line: smtp.Line, *args: Any) -> Any:
        send(line, *args)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smtp.Line, "send", send_and_die)
        yield


def test_of_two_deliveries_at_once_one_sends(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(mailer)
    open_line = posting._open_line

    def be_overtaken(letter_id: int) -> smtp.Line:
        monkeypatch.setattr(posting, "_open_line", open_line)
        jobs.send_letter.run(letter_id)
        return open_line(letter_id)

    monkeypatch.setattr(posting, "_open_line", be_overtaken)
    jobs.send_letter.run(1)
    assert (row(mailer).state, row(mailer).attempt) == (RecipientState.SENT, 1)
    assert post.addresses == [EMAIL]


def test_a_line_cut_after_the_content_leaves_the_letter_in_doubt(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    post.hang_up[EMAIL] = "data"
    assert deliver(jobs.send_letter, 1) == []
    assert row(mailer).state is RecipientState.DOUBTFUL
    assert len(post.got) == 1


def test_a_defect_while_it_was_being_sent_leaves_the_letter_in_doubt(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    with failing(letters, "end", 1, DEFECT):
        deliver(jobs.send_letter, 1)
    assert row(mailer).state is RecipientState.DOUBTFUL
    assert len(post.got) == 1


# --- who was erased ---


def test_a_letter_about_erasure_goes_out_and_is_blanked_whatever_comes_first(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    erase(mailer)
    assert row(mailer).email == EMAIL
    mailer.drain()
    assert post.addresses == [EMAIL]
    check_blank(row(mailer))
    ask(mailer, "late:7")
    mailer.drain()
    check_blank(row(mailer, 2))
    assert len(post.got) == 2


def test_earlier_letters_of_who_is_erased_are_blanked_and_still_count(
    mailer: Mailer, post: Post
) -> None:
    ask(mailer)
    ask(mailer, "other", ANA.model_copy(update={"customer_id": 8}))
    mailer.drain()
    erase(mailer)
    check_blank(row(mailer))
    assert (row(mailer).state, row(mailer).reference) == (RecipientState.SENT, "erased:7")
    assert row(mailer, 2).email == EMAIL


def test_a_letter_that_failed_is_blanked_as_well(mailer: Mailer, post: Post) -> None:
    post.refuse[EMAIL] = "550 no"
    ask(mailer)
    erase(mailer)
    mailer.drain()
    assert row(mailer).state is RecipientState.FAILED
    check_blank(row(mailer))
