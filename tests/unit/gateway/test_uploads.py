"""Uploads on their way into the file store."""

import asyncio
from io import BytesIO

import pytest
from starlette.datastructures import UploadFile

from services.gateway.uploads import MEGABYTE, store_upload
from shared import files
from shared.errors import Invalid


def store(name: str, content: bytes) -> str:
    """Upload to the store, at most 1 MB, CSV or XLSX."""
    upload = UploadFile(BytesIO(content), size=len(content), filename=name)
    return asyncio.run(store_upload(upload, suffixes=(".csv", ".xlsx"), megabytes=1))


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
