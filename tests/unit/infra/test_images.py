"""Images of others by their digests."""

import os
from pathlib import Path

import pytest

from infra import images
from infra.native.run import ROOT

DIGEST = f"sha256:{'ab' * 32}"
OLD = f"sha256:{'cd' * 32}"
COMPOSE = f"""services:
  redis:
    image: redis:7.4.5-bookworm@{OLD}
  postgres:
    image: postgres:15.14-bookworm
  gateway:
    image: pregon:0.1.0
"""
PYTHON = "FROM python:3.11.13-slim-bookworm"
DOCKERFILE = f"{PYTHON} AS packages\nRUN x\n{PYTHON}\n"


def test_each_tag_gets_its_digest_and_ours_has_none() -> None:
    assert images.images(COMPOSE) == ["redis:7.4.5-bookworm", "postgres:15.14-bookworm"]
    pinned = images.pin(COMPOSE, lambda name: DIGEST)
    assert pinned == COMPOSE.replace(OLD, DIGEST).replace(
        "15.14-bookworm", f"15.14-bookworm@{DIGEST}"
    )
    assert images.pin(pinned, lambda name: DIGEST) == pinned


def test_a_stage_of_the_image_keeps_its_name() -> None:
    lines = images.pin(DOCKERFILE, lambda name: DIGEST).splitlines()
    assert lines[0] == f"FROM python:3.11.13-slim-bookworm@{DIGEST} AS packages"
    assert lines[2] == f"FROM python:3.11.13-slim-bookworm@{DIGEST}"


def test_every_image_of_others_that_the_product_uses_is_found() -> None:
    texts = [(ROOT / file).read_text() for file in images.FILES]
    found = {name for text in texts for name in images.images(text)}
    assert {name.partition(":")[0] for name in found} == {
        "node",
        "postgres",
        "python",
        "rabbitmq",
        "redis",
    }


def test_without_an_engine_nothing_is_changed_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: (ROOT / file).read_text() for file in images.FILES}
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/nowhere")
    assert images.main() == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert before == {file: (ROOT / file).read_text() for file in images.FILES}
