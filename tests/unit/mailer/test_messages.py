"""The bytes of a mail, read back by Python's own parser."""

import contextlib
import io
import re
import string
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mailer import builtin, making, messages, tokens, uploads
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
    return Circular(making.compile_design(subject, html, text), "Fibra", 7, RUN)


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
    assert message["Message-ID"].endswith("@pregon.example>")
    assert "42" not in message["Message-ID"].partition("@")[0] or RUN.hex not in str(message)
    assert message["List-Id"] == "<campanas.pregon.example>"
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
        compiled = making.compile_design(values["subject"], values["html"], values["text"])
        message = read(messages.compose(Circular(compiled, "Fibra", 7, RUN), Person(), 1, "a@b.ec"))
        assert "María" in body(message, "html")
        assert "{" not in body(message, "plain")


def test_a_test_mail_is_marked_and_its_link_changes_nothing() -> None:
    message = read(messages.compose_test(circular().design, "yo@pregon.example", "abc"))
    assert message["Subject"].startswith("[Prueba] ")
    token = message["List-Unsubscribe"].partition(">")[0].rpartition("/")[2]
    assert tokens.read(token).is_test


_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.mark.parametrize("token", ["", "x", "WzEsMV0.AAAA", "a.b.c", "ñ"])
def test_tokens_that_are_not_ours_are_not_found(token: str) -> None:
    with pytest.raises(NotFound):
        tokens.read(token)


@pytest.fixture
def known_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Links are signed with a key that the test knows."""
    monkeypatch.setenv("PREGON_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("PREGON_PUBLIC_URL", "http://127.0.0.1:8000")
    forget_keys()
    yield
    forget_keys()


def forget_keys() -> None:
    for cached in (settings, tokens._signer, tokens._keys):
        cached.cache_clear()


@pytest.mark.usefixtures("known_key")
def test_links_in_mails_of_former_days_still_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = "WzMsOV0.hoRmS0nIZdGozcU9546bp_ZMHxU"
    sealed = tokens.sign(tokens.Link(3, 9))
    assert tokens.url(tokens.Link(3, 9)) == f"http://127.0.0.1:8000/baja/{sealed}"
    assert tokens.read(signed) == tokens.read(sealed) == tokens.Link(3, 9)
    monkeypatch.setenv("PREGON_SECRET_KEY", "n" * 32)
    forget_keys()
    for token in (signed, sealed):
        with pytest.raises(NotFound):
            tokens.read(token)
    monkeypatch.setenv("PREGON_FORMER_KEYS", f"{'m' * 32}, {'k' * 32}")
    forget_keys()
    assert tokens.read(signed) == tokens.read(sealed) == tokens.Link(3, 9)
    assert tokens.sign(tokens.Link(3, 9)) != sealed


@pytest.mark.usefixtures("known_key")
def test_a_token_is_written_in_one_way_only() -> None:
    token = next(
        found
        for number in range(1, 200)
        if "-" in (found := tokens.sign(tokens.Link(3, number))) and "_" in found
    )
    last = _LETTERS[_LETTERS.index(token[-1]) ^ 1]
    for other in (token[:-1] + last, token.replace("-", "+"), token.replace("_", "/")):
        assert urlsafe_b64decode(other + "=") == urlsafe_b64decode(token + "=")
        with pytest.raises(NotFound):
            tokens.read(other)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_token_says_which_mail_and_only_to_us(mailing_id: int, customer_id: int) -> None:
    link = tokens.Link(mailing_id, customer_id)
    token = tokens.sign(link)
    assert tokens.read(token) == link
    assert re.fullmatch(r"[\w-]{43}", token)
    raw = urlsafe_b64decode(token + "=")
    for part in (mailing_id, customer_id):
        assert part < 1 << 32 or part.to_bytes(8, "big") not in raw
    near = urlsafe_b64decode(tokens.sign(tokens.Link(mailing_id, customer_id ^ 1)) + "=")
    assert sum(one == other for one, other in zip(raw, near, strict=True)) < 12


@given(st.integers(0, 42), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_changed_token_is_nobodys(place: int, character: str) -> None:
    token = tokens.sign(tokens.Link(7, 42))
    changed = f"{token[:place]}{character}{token[place + 1 :]}"
    if changed != token:
        with pytest.raises(NotFound):
            tokens.read(changed)


NAMES = [
    "Mora, Ana",
    'Ana "La Reina" Mora',
    "María Fernanda de los Ángeles Quishpe Andrade y Ñauñay de la Torre del Campo Verde " * 2,
    "Anastasia Bernardina de los Remedios Quishpe Andrade y Nunez de la Torre " * 2,
    "Ana <b@c.ec>",
    "Ana (María) Mora; Gómez: @ Cía.",
    "=?utf-8?q?falso?=",
    "Ana\\Mora",
    "日本語" * 40,
    "Ana\x07\x1bMora",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("address", ["a@b.ec", f"{'a' * 60}@{'b' * 60}.correo.example"])
def test_names_and_subjects_are_folded_as_mail_wants_them(name: str, address: str) -> None:
    person = Person(first_names=name, last_names="Fin")
    content = messages.compose(circular("{{ nombres }} {{ apellidos }}"), person, 1, address)
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    assert not [line for line in head.split("\r\n") if len(line) > 78 and "=?" in line]
    assert max(map(len, re.findall(r"=\?utf-8\?\S*\?=", head)), default=0) <= 75
    message = read(content)
    meant = " ".join(re.sub(r"[\x00-\x1f]", " ", f"{name} Fin").split())
    # the newer parser of 3.11 leaves a space between encoded words, against RFC 2047, 6.2
    phrase, bare = parseaddr(str(message_from_bytes(content)["To"]))
    assert (bare, str(make_header(decode_header(phrase)))) == (address, meant)
    assert message["Subject"] == meant


def test_the_senders_name_may_have_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "mail_from", '"Pregón, S. A." <campanas@pregon.example>')
    message = read(messages.compose(circular(), Person(), 42, "maria@correo.example"))
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.username) == ("Pregón, S. A.", "campanas")


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


def damaged(**how: Any) -> str:
    """A zip whose compressed bytes are not what their method says."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how.get("method", zipfile.ZIP_DEFLATED)) as archive:
        archive.writestr("index.html", b"<p>" + bytes(range(256)) * 40)
    content = bytearray(target.getvalue())
    for place in range(60, 200):
        content[place] ^= 0xA5
    return files.put(io.BytesIO(bytes(content)), ".zip")


def crowded() -> str:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(4_000):
            archive.writestr(f"{number}.txt", b"")
    target.seek(0)
    return files.put(target, ".zip")


def test_any_bytes_behind_a_zips_beginning_are_refused_in_words() -> None:
    with files.open_key(packed(index_html=b"<p>x</p>", a_png=PNG)) as source:
        whole = source.read()
    for place in range(0, len(whole), 3):
        for value in (0, 255):
            changed = bytes([*whole[:place], value, *whole[place + 1 :]])
            if changed.startswith(b"PK\x03\x04"):
                with contextlib.suppress(Invalid):
                    uploads.read(files.put(io.BytesIO(changed), ".zip"))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (damaged, "dañado"),
        (lambda: damaged(method=zipfile.ZIP_BZIP2), "compresión"),
        (lambda: damaged(method=zipfile.ZIP_LZMA), "compresión"),
        (crowded, "100 archivos"),
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
