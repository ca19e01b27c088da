"""The signed word in an unsubscribe link: it says which mail it was in, and nobody can make one."""

from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

from shared.errors import NotFound
from shared.settings import settings


@dataclass(frozen=True)
class Link:
    """The mail a link came in; a test's changes nothing."""

    mailing_id: int
    customer_id: int

    @property
    def is_test(self) -> bool:
        """Whether it came in a test, which belongs to no run."""
        return self.mailing_id == 0


TEST = Link(0, 0)


@lru_cache
def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="unsubscribe")


def sign(link: Link) -> str:
    """The token; the same for the same mail."""
    return str(_signer().dumps([link.mailing_id, link.customer_id]))


def read(token: str) -> Link:
    """What the token says. Raises NotFound for one that is not ours."""
    try:
        mailing_id, customer_id = _signer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise NotFound(
            "Este enlace no es válido. Copie la dirección completa del correo."
        ) from None
    return Link(int(mailing_id), int(customer_id))


def url(link: Link) -> str:
    """The address of the unsubscribe page."""
    return f"{settings().public_url.rstrip('/')}/baja/{sign(link)}"
