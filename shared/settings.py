"""Everything the environment decides, in one object. Only this module reads `PREGON_…`."""

import os
from functools import lru_cache
from ipaddress import ip_network
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import tls

_KEY = r"[a-z]+\.\w+\.[\w-]{43}"
# by TLS, but on this machine
_ISSUER = r"^(https://[^\s?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#@]*)?)?$"
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """Settings of a process. Those without a default must be set: `make up` does it, or compose."""

    model_config = SettingsConfigDict(env_prefix="PREGON_", env_ignore_empty=True, extra="ignore")

    # Servers. Those of a process's own account stand in the file, and count more than others
    account_file: str = ""
    ca_file: str = ""  # whose certificates are believed, instead of the system's (`shared.tls`)
    amqp_url: str  # pyamqp://user:password@host:port/vhost
    database_url: str  # postgresql://user:password@host:port, without a database name
    redis_url: str  # redis://host:port/0
    files_url: str  # any fsspec URL: file:///var/lib/pregon, s3://bucket/prefix
    smtp_url: str  # smtp://user:password@host:port, smtps:// or smtp+starttls://

    # Several products may share servers: this one's databases and queues start with it
    namespace: str = Field(default="pregon", pattern=r"^[a-z][a-z0-9_]{0,30}$")

    # Doors
    web_port: Port = 8000
    soap_port: Port = 8001
    public_url: str = "http://127.0.0.1:8000"  # what links in mails start with
    soap_url: str = "http://127.0.0.1:8001/risk-central"  # where advisors' risk checks go
    # what the addresses in the bureau's WSDL start with; empty: as the client came by
    soap_public_url: str = Field(default="", pattern=r"^(https?://[\w.:\-\[\]/~]+)?$")

    # Fronts whose word counts on who asks, by address or network, separated by commas
    trusted_proxies: str = ""
    # by which the pages are asked for, besides this machine's own and that of `public_url`
    allowed_hosts: str = ""

    # Secrets
    secret_key: str = Field(min_length=32)  # of unsubscribe and preview links
    former_keys: str = ""  # former ones, by commas: what they signed still holds
    # halves of the keys by which parts know each other's word, see `shared.signing`
    signing_key: str = Field(default="", pattern=rf"^({_KEY})?$")  # of gateway and beat alone
    trusted_keys: str = Field(pattern=rf"^{_KEY}(\s+{_KEY})*$")
    soap_user: str = "soap"
    soap_password: str

    # The company's OpenID Connect provider; without an issuer there is none
    oidc_issuer: str = Field(default="", pattern=_ISSUER)
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = Field(default="la cuenta de la empresa", min_length=2, max_length=60)
    # which of its claims is the username, at the first time; an address without its domain
    oidc_claim: str = Field(default="preferred_username", pattern="^(preferred_username|email)$")
    oidc_domain: str = Field(default="", pattern=r"^([\w-]+(\.[\w-]+)+)?$")
    oidc_only: bool = False  # passwords are for administrators, and nobody else
    oidc_trust_mfa: bool = False  # no code of ours where it says (`amr`) that it asked for one

    # Behaviour
    session_hours: float = Field(default=12, gt=0)  # without being used
    session_hours_at_most: float = Field(default=24, gt=0)
    reset_minutes: int = Field(default=30, ge=5, le=1440)  # of a link to a new password
    invitation_hours: int = Field(default=72, ge=1, le=720)
    letter_days: int = Field(default=30, ge=1)  # that a letter to a user says whom it was to
    audit_months: int = Field(default=24, ge=12)  # that the record of who saw what is kept
    contact_cap: int = Field(default=8, ge=1)  # marketing touches per person …
    contact_cap_days: int = Field(default=30, ge=1)  # … in this many days
    mail_from: str = "Pregón <campanas@pregon.example>"
    # Seconds for the mail server: to connect; for greeting, EHLO, MAIL, RCPT; for DATA; to take the
    # content; to accept it. RFC 5321, 4.5.3.2: with less a mail may go out twice or not at all
    smtp_connect_seconds: float = Field(default=30, gt=0)
    smtp_command_seconds: float = Field(default=300, gt=0)
    smtp_data_seconds: float = Field(default=120, gt=0)
    smtp_block_seconds: float = Field(default=180, gt=0)
    smtp_end_seconds: float = Field(default=600, gt=0)
    # 0: as fast as the mail server takes it
    mail_rate_per_second: float = Field(default=0, ge=0)
    risk_timeout_seconds: float = Field(default=2, gt=0)
    lease_seconds: int = Field(default=900, ge=30)  # how long an advisor keeps a customer
    # hours of the day in which advisors may call, in Ecuador's time
    calling_hours: str = Field(default="08:00-20:00", pattern=r"^\d{2}:\d{2}-\d{2}:\d{2}$")
    rpc_timeout_seconds: float = Field(default=5, gt=0)
    max_workers: int = Field(default=10, ge=1)  # calls a room handles at once, and its DB pool
    # that a job may take; other brokers than ours wait 30 minutes for an acknowledgement
    job_seconds: int = Field(default=1500, ge=10)
    job_memory_mb: int = Field(default=2048, ge=256)  # that a worker process may use
    job_overdue_seconds: int = Field(default=3600, ge=60)  # open for longer: health says so
    mail_catcher_dir: str = ""  # Maildir of the demo's catch-all; empty: no such page
    log_level: str = "INFO"
    log_format: str = Field(default="json", pattern="^(json|text)$")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for word in filter(None, (part.strip() for part in text.split(","))):
            ip_network(word, strict=False)
        return text

    @model_validator(mode="after")
    def _knows_its_provider(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET")
        if self.oidc_issuer and self.oidc_claim == "email" and not self.oidc_domain:
            raise ValueError("OIDC_CLAIM=email needs OIDC_DOMAIN: whose addresses are believed")
        if self.oidc_only and not self.oidc_issuer:
            raise ValueError("OIDC_ONLY needs OIDC_ISSUER")
        return self

    def database_url_of(self, room: str) -> str:
        """SQLAlchemy URL of a room's own database on the server."""
        url = self.server_url(self.database(room))
        return f"postgresql+psycopg2://{url.removeprefix('postgresql://')}"

    def server_url(self, database: str) -> str:
        """URL, as libpq has it, of any database on the server."""
        if not self.database_url.startswith("postgresql://"):
            raise ValueError("PREGON_DATABASE_URL must start with postgresql://")
        return tls.database_url(self.database_url, database, self.ca_file)

    def database(self, room: str) -> str:
        """Name of a room's database."""
        return f"{self.namespace}_{room}"

    def amqp_name(self, name: str) -> str:
        """Name of an exchange or queue; as it is written here in the default namespace."""
        return name if self.namespace == "pregon" else f"{self.namespace}.{name}"

    def role(self, name: str) -> str:
        """Name of an account at the servers."""
        return f"{self.namespace}_{name}"

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """What links and cookies may be signed with: the present key first, then former ones."""
        former = (word.strip() for word in self.former_keys.split(","))
        return (self.secret_key, *filter(None, former))

    @property
    def may_declare(self) -> bool:
        """Whether what many share is made where it is used; otherwise `shared.migrate` made it."""
        return not self.account_file

    @classmethod
    def settings_customise_sources(cls, *_: Any, **named: Any) -> tuple[Any, ...]:
        """The account's file first: what it says is this process's alone."""
        return named["init_settings"], named["dotenv_settings"], named["env_settings"]


@lru_cache
def settings() -> Settings:
    """The process's settings, read once. A missing or wrong value stops the start, by name."""
    try:
        return Settings(_env_file=os.environ.get("PREGON_ACCOUNT_FILE") or None)
    except ValidationError as error:
        lines = [
            f"  PREGON_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors()
        ]
        raise SystemExit("Settings missing or wrong:\n" + "\n".join(lines)) from None
