"""Each guide, done to a copy of the tree: the checks pass there, and so do the new tests.

In `make test` as a process of its own, beside real servers.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.guides.guide import ROOT, Step, apply, copy_tree, read

FEATURE, ROOM = ROOT / "docs/add-a-feature.md", ROOT / "docs/add-a-room.md"
ROUTES = (  # what is asked of each route and procedure
    "tests/unit/gateway/test_permissions.py",
    "tests/unit/gateway/test_openapi.py",
    "tests/unit/gateway/test_pages.py",
    "tests/unit/gateway/test_addresses.py",
    "tests/unit/shared/test_contracts.py",
)
WRITTEN = ("-m", "tests.permissions")  # the tables that no person writes


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree, with what mypy knows of it and the pages' bundle."""
    tree = tmp_path / f"copy_{uuid4().hex[:6]}"
    copy_tree(tree)
    for made in (".mypy_cache", "services/gateway/static/dist"):
        if (ROOT / made).exists():
            shutil.copytree(ROOT / made, tree / made)
    return tree


def run(tree: Path, *command: str) -> None:
    """A command in the copy, whose databases are its own: its migrations are not ours."""
    namespace = f"{os.environ.get('PREGON_NAMESPACE', 'pregon_test')}_{tree.name[-6:]}"
    environ = os.environ | {"PREGON_NAMESPACE": namespace}
    done = subprocess.run(
        command, cwd=tree, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def check(tree: Path) -> None:
    """What `make check` does."""
    python, scripts = sys.executable, Path(sys.executable).parent
    names = ("shared", "services", "infra", "tests")
    run(tree, f"{scripts}/ruff", "check", "--no-cache", *names)
    run(tree, f"{scripts}/ruff", "format", "--no-cache", "--check", *names)
    run(tree, python, "-m", "mypy", *names)
    run(tree, f"{scripts}/lint-imports", "--no-cache")
    run(tree, f"{scripts}/vulture")


def pytest_of(tree: Path, *selection: str) -> None:
    run(tree, sys.executable, "-m", "pytest", *selection)


def edited(steps: list[Step], but: str = "") -> set[str]:
    """The files that a person touches, outside of a folder."""
    return {step.path for step in steps if not but or not step.path.startswith(but)}


@pytest.mark.timeout(300)
def test_a_feature_is_added_as_the_guide_says_in_nine_files(tree: Path) -> None:
    steps = read(FEATURE)
    assert len(edited(steps)) == 9
    for step in steps:
        apply(step, tree)
    run(tree, sys.executable, *WRITTEN)
    check(tree)
    pytest_of(
        tree, *ROUTES, "tests/unit/gateway/test_notes.py", "tests/unit/gateway/test_campaign.py"
    )
    pytest_of(tree, "tests/jobs/test_migrations.py")
    pytest_of(tree, "tests/rooms/campaign/test_notes.py", "tests/rooms/test_procedures.py")


@pytest.mark.timeout(300)
def test_a_room_is_added_as_the_guide_says_with_six_files_outside_of_it(tree: Path) -> None:
    steps = read(ROOM)
    assert len(edited(steps, but="services/branch/")) == 6
    for step in steps:
        apply(step, tree)
    run(tree, sys.executable, *WRITTEN)
    check(tree)
    pytest_of(tree, *ROUTES, "tests/unit/infra/test_compose.py", "tests/unit/shared/test_words.py")
    pytest_of(tree, "tests/jobs/test_migrations.py")
    pytest_of(tree, "tests/rooms/branch", "tests/rooms/test_procedures.py")


def test_a_guide_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\none\n")
    for text in (" one\n+three\n", " four\n"):
        with pytest.raises(ValueError, match=r"a\.py has"):
            apply(Step("a.py", is_edit=True, text=text), tmp_path)
    apply(Step("a.py", is_edit=True, text=" two\n+three\n-one\n"), tmp_path)
    assert (tmp_path / "a.py").read_text() == "one\ntwo\nthree\n"
    with pytest.raises(ValueError, match="already"):
        apply(Step("a.py", is_edit=False, text=""), tmp_path)
