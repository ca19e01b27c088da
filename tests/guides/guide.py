"""Reading a guide and doing what it says to a copy of the tree.

A line that is nothing but a path in bold names the file of the block below it: a
`diff` block changes the file, whose lines it shows must be there exactly once; any other block is
a new file, whole.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^\*\*(?P<path>[\w./]+)\*\*\n+```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Step:
    """What happens to one file: an edit, or a new one."""

    path: str
    is_edit: bool
    text: str


def read(guide: Path) -> list[Step]:
    """The steps of a guide, in their order."""
    found = _BLOCK.finditer(guide.read_text())
    return [Step(item["path"], item["kind"] == "diff", item["text"]) for item in found]


def copy_tree(target: Path) -> None:
    """The tree as it stands here, with what is not committed, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def apply(step: Step, tree: Path) -> None:
    """Do one step. Raises ValueError where the guide does not fit the tree."""
    path = tree / step.path
    if not step.is_edit:
        if path.exists():
            raise ValueError(f"{step.path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text)
        return
    old, new = _sides(step.text)
    text = path.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{step.path} has {text.count(old)} places like\n{old}")
    path.write_text(text.replace(old, new))


def _sides(diff: str) -> tuple[str, str]:
    """The lines as they are and as they become."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
    new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
    return old, new
