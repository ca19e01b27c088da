"""The servers by TLS: certificates are looked at, by the CA of `PREGON_CA_FILE` or the system's.

RabbitMQ by `amqps://`, Redis by `rediss://`, PostgreSQL by `?sslmode=verify-full` behind its URL,
the mail server by `smtps://` or `smtp+starttls://`.
"""

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.pyamqp import SSLTransport

VERIFYING = {"verify-ca", "verify-full"}


def context(ca_file: str) -> ssl.SSLContext:
    """What a client believes: the file's CAs and no others, or those of the system."""
    return ssl.create_default_context(cafile=ca_file or None)


def of_broker(host: str, ca_file: str) -> dict[str, Any]:
    """py-amqp's options; by themselves these look at nothing."""
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": host,
        "ca_certs": ca_file or None,
        "tls_minimum_version": ssl.TLSVersion.TLSv1_2,
    }


def database_url(server: str, name: str, ca_file: str) -> str:
    """The URL of a database on a server, whose own URL may have options behind it."""
    parts = urlsplit(server)
    options = dict(parse_qsl(parts.query))
    if ca_file and options.get("sslmode") in VERIFYING:
        options.setdefault("sslrootcert", ca_file)
    return parts._replace(path=f"/{name}", query=urlencode(options, safe="/")).geturl()


def redis_url(url: str, ca_file: str) -> str:
    """The URL of Redis with the CA, where it is asked by TLS."""
    parts = urlsplit(url)
    if parts.scheme != "rediss" or not ca_file:
        return url
    options = {"ssl_ca_certs": ca_file, **dict(parse_qsl(parts.query))}
    return parts._replace(query=urlencode(options, safe="/")).geturl()


class Verified(SSLTransport):  # type: ignore[misc]  # kombu has no types
    """`amqps://` of kombu, and so of nameko and Celery, with a look at the certificate."""

    def __init__(self, client: Any, **options: Any) -> None:
        from shared.settings import settings

        if not client.ssl:
            client.ssl = of_broker(str(client.hostname), settings().ca_file)
        super().__init__(client, **options)


TRANSPORT_ALIASES["amqps"] = f"{__name__}:{Verified.__name__}"
