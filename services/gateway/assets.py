"""The bundle in static/dist: hashed names, the icons it holds, and how it is served."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).parent / "static" / "dist"
_FOREVER = "public, max-age=31536000, immutable"


def _manifest() -> dict[str, Any]:
    """The bundle's manifest; a bundle built anew is seen without a restart."""
    path = DIST / "manifest.json"
    try:
        return _read_manifest(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise RuntimeError("The pages' bundle is missing: run `npm run build` in static/") from None


@lru_cache(maxsize=1)
def _read_manifest(path: Path, _built_at: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def static(name: str) -> str:
    """Address of a bundled file, such as `app.js`. Raises KeyError for one that is not bundled."""
    return f"/static/{_manifest()['files'][name]}"


def icon_address(name: str) -> str:
    """Address of an icon in the sprite. Raises KeyError when static/src/icons.txt lacks it."""
    if name not in _manifest()["icons"]:
        raise KeyError(f"icon {name} is not in static/src/icons.txt")
    return f"{static('icons.svg')}#{name}"


class Bundle(StaticFiles):
    """Serves the bundle; every name but the manifest's carries a hash, so browsers keep it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette does, with a year of cache on what was found."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = _FOREVER
        return response
