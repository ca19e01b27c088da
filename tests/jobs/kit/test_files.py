"""The store of files as gateway and jobs use it: a folder, and S3-compatible storage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import files
from shared.settings import settings
from tests import object_store


@pytest.fixture(params=["folder", "s3"])
def _store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if request.param == "s3":
        with object_store.running():
            yield
        return
    monkeypatch.setenv("PREGON_FILES_URL", f"file://{tmp_path}")
    object_store.forget()
    yield
    monkeypatch.undo()
    object_store.forget()


@pytest.mark.usefixtures("_store")
def test_files_are_kept_until_they_are_removed() -> None:
    object_store.check()
    object_store.check_all_or_nothing()


def test_processes_without_objects_do_not_load_their_library() -> None:
    assert not settings().files_url.startswith("s3://")
    assert isinstance(files._store(), files.Folder)
