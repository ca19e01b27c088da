"""The designs that come with the product: MJML files in `designs/`, compiled when a room starts."""

from functools import cache
from pathlib import Path
from typing import Any

from mjml import mjml2html
from nameko.extensions import DependencyProvider
from sqlalchemy.orm import Session, sessionmaker

from services.mailer import designs, workshop
from shared.db import make_engine

_FOLDER = Path(__file__).parent / "designs"
GALLERY = {  # key: name, proposed subject
    "oferta": ("Oferta", "{{ primer_nombre }}, una oferta pensada para usted"),
    "boletin": ("Boletín", "Novedades de {{ empresa }} para usted"),
}


@cache
def built() -> dict[str, dict[str, Any]]:
    """The designs' columns by key."""
    return {
        key: designs.build(name, subject, _compile(key), {}, own=True) | {"removed": []}
        for key, (name, subject) in GALLERY.items()
    }


def _compile(key: str) -> str:
    return str(mjml2html((_FOLDER / f"{key}.mjml").read_text(encoding="utf-8")))


def seed(session: Session) -> None:
    """Insert the designs, or bring changed ones up to date."""
    for key, values in built().items():
        designs.put_builtin(session, key, values)


class Gallery(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Sees to it that the room starts with its designs, and ready to look at others'."""

    def start(self) -> None:
        """Seed once per start; replicas that start together meet on the unique key."""
        engine = make_engine(self.container.service_name)
        with sessionmaker(engine).begin() as session:
            seed(session)
        engine.dispose()
        workshop.warm_up()
