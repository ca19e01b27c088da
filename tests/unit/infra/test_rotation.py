"""Keys that rotate: the present one signs, what former ones signed still counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from infra.accounts import make
from infra.accounts.table import BEAT, GATEWAY, Account
from infra.native import environment, signing_keys
from infra.native.run import Run
from services.mailer import tokens
from shared import signing
from shared.contract import Actor
from shared.errors import Denied
from shared.settings import settings

SOMEBODY = Actor(user_id=1, username="jefe", full_name="Jefa", role="marketing_head")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "run")
    made.make()
    return made


def use(monkeypatch: pytest.MonkeyPatch, found: dict[str, str]) -> None:
    for name, value in found.items():
        monkeypatch.setattr(settings(), name.removeprefix("PREGON_").lower(), value)
    tokens._keys.cache_clear()


@pytest.fixture(autouse=True)
def _forget_keys() -> Iterator[None]:
    yield
    tokens._keys.cache_clear()


def test_links_of_former_keys_hold_and_new_ones_are_of_the_new(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, environment.links(run))
    link = tokens.Link(3, 4)
    old = tokens.sign(link)
    run.generated.count_up("links")
    use(monkeypatch, environment.links(run))
    assert tokens.read(old) == tokens.read(tokens.sign(link)) == link
    assert tokens.sign(link) != old
    assert settings().secret_keys[0] != settings().secret_keys[1]


def test_so_many_former_keys_are_kept(run: Run) -> None:
    for _ in range(10):
        run.generated.count_up("links")
    found = environment.links(run)
    assert len(found["PREGON_FORMER_KEYS"].split(",")) == environment.KEPT_KEYS - 1
    assert found["PREGON_SECRET_KEY"] not in found["PREGON_FORMER_KEYS"]


def test_of_signing_keys_two_are_trusted_and_the_third_no_more(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for _ in range(3):
        keys = signing_keys.of(run, {})
        use(monkeypatch, {signing_keys.TRUSTED: keys[signing_keys.TRUSTED]})
        use(monkeypatch, {signing_keys.OWN: keys[signing_keys.PRIVATE["gateway"]]})
        said.append(signing.sign(SOMEBODY))
        run.generated.count_up("signing")
    assert signing.read(said[1]).actor == signing.read(said[2]).actor == SOMEBODY
    with pytest.raises(Denied):
        signing.read(said[0])


@pytest.mark.parametrize(
    ("account", "owns"), [(GATEWAY, True), (BEAT, True), (Account("mailer", ("mailer",)), False)]
)
def test_only_who_vouches_for_others_is_given_the_half_that_signs(
    run: Run, account: Account, owns: bool
) -> None:
    (run.path / "accounts").mkdir()
    urls = {
        "PREGON_AMQP_URL": "pyamqp://a:b@127.0.0.1:1/v",
        "PREGON_DATABASE_URL": "postgresql://a:b@127.0.0.1:1",
        "PREGON_REDIS_URL": "redis://:b@127.0.0.1:1/0",
    }
    environ = urls | environment.links(run) | signing_keys.of(run, {})
    make.write(run, environ, [account], {})
    written = dotenv_values(make.file_of(run, account.name))
    assert (signing_keys.OWN in written) is owns
    assert written["PREGON_SECRET_KEY"] == environ["PREGON_SECRET_KEY"]
    assert not set(urls.values()) & set(written.values())
    assert Path(make.file_of(run, account.name)).stat().st_mode & 0o077 == 0
