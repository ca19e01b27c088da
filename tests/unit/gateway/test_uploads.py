"""Uploads on their way into the file store."""

import asyncio
import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from starlette.datastructures import UploadFile

from services.gateway import contents
from services.gateway.asking import Asker
from services.gateway.bodies import MEGABYTE
from services.gateway.uploads import FileKind, store_upload
from shared import files
from shared.contract import Actor
from shared.errors import Invalid
from shared.settings import settings
from tests.unit.gateway.conftest import FakeAsk


def store(name: str, content: bytes, *, key: str | None = None, actor: Actor | None = None) -> str:
    """Upload to the store, at most 1 MB, CSV or XLSX."""
    ask = Asker(FakeAsk(), actor, key)
    upload = UploadFile(BytesIO(content), size=len(content), filename=name)
    return asyncio.run(store_upload(ask, upload, FileKind((".csv", ".xlsx"), megabytes=1)))


def test_upload_is_found_by_its_key() -> None:
    key = store("../../Clientes.CSV", b"cedula\n")
    assert key.endswith(".csv")
    with files.open_key(key) as stored:
        assert stored.read() == b"cedula\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.exe", b"x", "Elija un archivo CSV o XLSX."),
        ("a", b"x", "Elija un archivo CSV o XLSX."),
        ("a.csv", b"", "El archivo está vacío."),
        ("a.csv", b"x" * (MEGABYTE + 1), "El archivo tiene más de 1 MB. Divídalo en partes."),
    ],
)
def test_wrong_upload_is_told_at_its_field(name: str, content: bytes, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        store(name, content)
    assert (caught.value.fields[0].field, caught.value.message) == ("file", message)


def actor(username: str) -> Actor:
    return Actor(user_id=1, username=username, full_name="", role="admin")


def test_the_same_upload_of_another_user_is_another_file() -> None:
    keys = {store("a.csv", b"x", key="k", actor=who) for who in (actor("ana"), actor("eva"), None)}
    assert len(keys) == 3


def test_nobody_without_the_secret_can_tell_the_key_of_a_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = "\n".join(("ana", "k", hashlib.sha256(b"x").hexdigest()))
    stored = store("a.csv", b"x", key="k", actor=actor("ana"))
    assert hashlib.sha256(words.encode()).hexdigest()[:32] not in stored
    assert stored != store("a.csv", b"x")
    monkeypatch.setattr(settings(), "secret_key", "another-secret-another-secret-another")
    assert stored != store("a.csv", b"x", key="k", actor=actor("ana"))


def test_two_that_bring_the_same_file_at_once_leave_it_whole() -> None:
    content = b"0123456789" * 90_000
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda _: store("a.csv", content, key="k"), range(16)))
    assert len(set(stored)) == 1
    with files.open_key(stored[0]) as source:
        assert source.read() == content


def workbook(*members: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, b"0" * 100_000)
    return target.getvalue()


BOOK = workbook("[Content_Types].xml", "xl/workbook.xml")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", BOOK),
        ("a.csv", "año,Íñigo\n".encode("cp1252")),
        ("a.csv", "año,Íñigo\n".encode("utf-16")),
        ("a.csv", "año,Íñigo\n".encode("utf-16-le")),
    ],
)
def test_what_is_as_its_name_says_is_stored_whole(name: str, content: bytes) -> None:
    with files.open_key(store(name, content)) as stored:
        assert stored.read() == content


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"cedula,nombres\n", "El archivo XLSX está dañado o no es de Excel."),
        ("a.xlsx", workbook("a.txt"), "El archivo no es un libro de Excel (.xlsx)."),
        ("a.xlsx", BOOK[:-30], "El archivo XLSX está dañado o no es de Excel."),
        ("a.csv", BOOK, "El archivo es un libro de Excel: su nombre debe terminar en .xlsx."),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "El archivo no es una tabla de texto (CSV)."),
        ("a.csv", b"%PDF-1.7", "El archivo no es una tabla de texto (CSV)."),
        ("a.csv", b"cedula\x00\x01\x02", "El archivo no es una tabla de texto (CSV)."),
    ],
)
def test_what_is_not_as_its_name_says_is_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        store(name, content)
    assert (caught.value.fields[0].field, caught.value.message) == ("file", message)


def test_a_small_file_that_would_be_huge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_UNPACKED_BYTES", 100_000)
    with pytest.raises(Invalid, match="demasiado grande al abrirse"):
        store("a.xlsx", BOOK)
