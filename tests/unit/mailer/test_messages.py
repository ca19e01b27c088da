"""The bytes of a mail, read back by Python's own parser."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer import builtin, designs, messages, tokens, uploads
from services.mailer.messages import Circular
from shared import clock, files
from shared.errors import Invalid, NotFound
from shared.settings import settings
from tests.unit.mailer.test_merge import Person

RUN = UUID("0198f6a2-0000-7000-8000-000000000001")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def circular(
    subject: str = "Hola {{ primer_nombre }}, ñandú", text: str = "Hola {{ nombres }}"
) -> Circular:
    html = '<p>Hola {{ nombres }}</p><a href="{{ enlace_baja }}">x</a>'
    return Circular(designs.compile_design(subject, html, text), "Fibra", 7, RUN)


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert not message.defects
    for part in message.walk():
        assert not part.defects
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_headers_of_bulk_mail() -> None:
    message = read(messages.compose(circular(), Person(), 42, "maria@correo.example"))
    url = tokens.url(tokens.Link(7, 42))
    assert message["To"] == "María José Ñauñay Yépez <maria@correo.example>"
    assert message["Subject"] == "Hola María, ñandú"
    assert messages.sender_address() == "campanas@pregon.example"
    assert message["Message-ID"] == f"<{RUN.hex}.42@pregon.example>"
    assert message["From"] == settings().mail_from == "Pregón <campanas@pregon.example>"
    mailto = "<mailto:campanas@pregon.example?subject=baja>"
    assert message["List-Unsubscribe"] == f"<{url}>, {mailto}"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Precedence"] == "bulk"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    assert abs(message["Date"].datetime - clock.now()) < timedelta(seconds=5)


def test_parts_carry_the_persons_words() -> None:
    message = read(messages.compose(circular(), Person(), 42, "maria@correo.example"))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body(message, "plain").strip() == "Hola María José"
    assert tokens.url(tokens.Link(7, 42)) in body(message, "html")


@given(st.text(min_size=1, max_size=300), st.text(max_size=300))
def test_any_name_and_text_come_back_whole(name: str, words: str) -> None:
    plain = "".join(char for char in words if char.isprintable() and char not in "{}%#")
    person = Person(first_names="".join(char for char in name if char.isprintable()))
    message = read(messages.compose(circular(text=f"{plain}\n."), person, 1, "a@b.example"))
    assert body(message, "plain").split() == f"{plain}\n.".split()


def test_long_lines_are_folded_and_end_in_crlf() -> None:
    content = messages.compose(circular("ñ" * 200, "palabra " * 500), Person(), 1, "a@b.example")
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert b"\n" not in b"".join(lines)


def test_builtin_designs_make_whole_mails() -> None:
    for values in builtin.built().values():
        compiled = designs.compile_design(values["subject"], values["html"], values["text"])
        message = read(messages.compose(Circular(compiled, "Fibra", 7, RUN), Person(), 1, "a@b.ec"))
        assert "María" in body(message, "html")
        assert "{" not in body(message, "plain")


def test_a_test_mail_is_marked_and_its_link_changes_nothing() -> None:
    message = read(messages.compose_test(circular().design, "yo@pregon.example", "abc"))
    assert message["Subject"].startswith("[Prueba] ")
    token = message["List-Unsubscribe"].partition(">")[0].rpartition("/")[2]
    assert tokens.read(token).is_test


@pytest.mark.parametrize("token", ["", "x", "WzEsMV0.AAAA", "a.b.c", "ñ"])
def test_tokens_that_are_not_ours_are_not_found(token: str) -> None:
    with pytest.raises(NotFound):
        tokens.read(token)


@pytest.fixture
def known_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Links are signed with a key that the test knows."""
    monkeypatch.setenv("PREGON_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("PREGON_PUBLIC_URL", "http://127.0.0.1:8000")
    for cached in (settings, tokens._signer):
        cached.cache_clear()
    yield
    for cached in (settings, tokens._signer):
        cached.cache_clear()


@pytest.mark.usefixtures("known_key")
def test_links_in_mails_of_former_days_still_hold() -> None:
    token = "WzMsOV0.hoRmS0nIZdGozcU9546bp_ZMHxU"
    assert tokens.sign(tokens.Link(3, 9)) == token
    assert tokens.url(tokens.Link(3, 9)) == f"http://127.0.0.1:8000/baja/{token}"


def test_token_says_which_mail() -> None:
    assert tokens.read(tokens.sign(tokens.Link(3, 9))) == tokens.Link(3, 9)


# --- uploads ---


def packed(**members: bytes) -> str:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    target.seek(0)
    return files.put(target, ".zip")


def test_zip_gives_the_html_and_stores_its_images() -> None:
    html, images = uploads.read(packed(index_html="<p>ñ</p>".encode(), img__Logo_png=PNG))
    assert html == "<p>ñ</p>"
    with files.open_key(images["logo.png"]) as source:
        assert source.read() == PNG


def test_a_zip_holds_a_hundred_files_and_images_of_two_megabytes() -> None:
    many = {f"a{number}_txt": b"x" for number in range(uploads.MAX_FILES - 1)}
    uploads.read(packed(index_html=b"<p>", **many))
    with pytest.raises(Invalid, match="100 archivos"):
        uploads.read(packed(index_html=b"<p>", una_mas_txt=b"x", **many))
    image = PNG + bytes(2_000_000 - len(PNG))
    uploads.read(packed(index_html=b"<p>", a_png=image))
    with pytest.raises(Invalid, match="pasa de 2 MB"):
        uploads.read(packed(index_html=b"<p>", a_png=image + b"x"))


def test_windows_html_is_read() -> None:
    assert (
        uploads.read(files.put(io.BytesIO("<p>ñ</p>".encode("cp1252")), ".html"))[0] == "<p>ñ</p>"
    )


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (lambda: packed(a_html=b"<p>", b_html=b"<p>"), "un solo archivo"),
        (lambda: packed(a_txt=b"x"), "un solo archivo"),
        (lambda: packed(a_html=b"<p>", b_png=b"<script>"), "no es una imagen PNG"),
        (lambda: packed(a_html=b"<p>", b_txt=b"0" * 11_000_000), "10 MB"),
        (lambda: files.put(io.BytesIO(b"PK\x03\x04roto"), ".zip"), "dañado"),
        (lambda: files.put(io.BytesIO(b"%PDF\x00\x01"), ".html"), "no es HTML"),
    ],
)
def test_bad_uploads_say_what_is_wrong(key: Callable[[], str], told: str) -> None:
    with pytest.raises(Invalid, match=told) as error:
        uploads.read(key())
    assert error.value.fields[0].field == "file"
