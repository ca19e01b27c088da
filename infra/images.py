"""Pin the images of others by their digests: `python -m infra.images`, also `make images`.

A tag may be moved by whoever made it; a digest names one content for ever. Run it, with a container
engine that reaches a registry, to take a newer build of the same tags; the diff shows what changed.
"""

import re
import subprocess
import sys
from collections.abc import Callable

from infra.native.run import ROOT

FILES = ("docker-compose.yml", "infra/docker/Dockerfile")
OWN = "pregon:"
_IMAGE = re.compile(r"(?m)^(\s*image: |FROM )([a-z][a-z0-9/_-]*:[\w.-]+)(@sha256:[0-9a-f]{64})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def images(text: str) -> list[str]:
    """The images of others that a file names, by their tags."""
    found = dict.fromkeys(match[2] for match in _IMAGE.finditer(text))
    return [name for name in found if not name.startswith(OWN)]


def pin(text: str, digest_of: Callable[[str], str]) -> str:
    """The file with the present digest behind each tag."""

    def pinned(match: re.Match[str]) -> str:
        before, name = match[1], match[2]
        return match[0] if name.startswith(OWN) else f"{before}{name}@{digest_of(name)}"

    return _IMAGE.sub(pinned, text)


def ask_registry(name: str) -> str:
    """The digest that a tag has now, for all platforms. Raises CalledProcessError, ValueError."""
    _docker("pull", "--quiet", name)
    told = _docker("image", "inspect", "--format", '{{join .RepoDigests " "}}', name)
    if found := _DIGEST.search(told):
        return found[0]
    raise ValueError(f"the engine knows no digest of {name}")


def _docker(*words: str) -> str:
    ran = subprocess.run(["docker", *words], check=True, capture_output=True, text=True)
    return ran.stdout


def main() -> int:
    """Pin all files, or none when one image cannot be asked for."""
    texts = {name: (ROOT / name).read_text() for name in FILES}
    names = {image for text in texts.values() for image in images(text)}
    try:
        digests = {name: ask_registry(name) for name in sorted(names)}
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        said = getattr(error, "stderr", None) or str(error)
        print(f"No digests, and nothing was changed: {said.strip()}", file=sys.stderr)
        return 1
    for name, text in texts.items():
        (ROOT / name).write_text(pin(text, digests.__getitem__))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
