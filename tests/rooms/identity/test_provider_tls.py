"""The company's provider by TLS: who it is is looked at before anything is said to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.contracts.identity import Session
from shared.errors import Unavailable
from tests.certificates import make_certificates
from tests.provider.running import Running, running
from tests.rooms.identity.coming import come


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("provider")
    make_certificates(made)
    return made


@pytest.fixture(scope="module")
def company(folder: Path) -> Iterator[Running]:
    with running(folder) as started:
        yield started


@pytest.fixture
def believe(
    of_the_company: None, setting: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """`believe("ca.crt")`: PREGON_CA_FILE from now on."""
    assert of_the_company is None

    def change(ca_file: str) -> None:
        monkeypatch.setenv("PREGON_CA_FILE", ca_file)
        setting()

    return change


@pytest.mark.usefixtures("of_the_company", "ana")
def test_somebody_signs_in_by_tls_alone(identity: Any, company: Running) -> None:
    assert company.issuer.startswith("https://")
    assert isinstance(come(identity, company), Session)


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("ca_file", ["stranger.crt", ""])
def test_who_is_of_another_ca_is_not_believed_and_that_is_said(
    identity: Any,
    company: Running,
    folder: Path,
    believe: Callable[[str], None],
    ca_file: str,
) -> None:
    named = str(folder / ca_file) if ca_file else ""
    believe(named)
    with structlog.testing.capture_logs() as logs, pytest.raises(Unavailable) as error:
        identity.begin_provider_log_in()
    assert "certificado no es de confianza" in error.value.message
    assert "administrador" in error.value.message
    [line] = [line for line in logs if line["event"] == "the provider is not believed"]
    assert (line["log_level"], line["ca_file"]) == ("error", named)
    assert line["reason"] == "certificate: unable to get local issuer certificate"
    believe(str(folder / "ca.crt"))
    assert isinstance(come(identity, company), Session)


def test_a_certificate_of_another_name_is_none(
    identity: Any,
    setting: Callable[..., None],
    believe: Callable[[str], None],
    tmp_path: Path,
) -> None:
    make_certificates(tmp_path, "subjectAltName=DNS:otro.example")
    with running(tmp_path) as other:
        believe(str(other.ca_file))
        setting(issuer=other.issuer)
        with pytest.raises(Unavailable, match="certificado no es de confianza"):
            identity.begin_provider_log_in()


@pytest.mark.usefixtures("of_the_company", "ana")
def test_one_that_turns_into_a_stranger_gets_no_code(
    identity: Any, company: Running, folder: Path, believe: Callable[[str], None]
) -> None:
    """What travels to the token endpoint is the client's secret."""
    way = identity.begin_provider_log_in()
    answer = company.answer(way.address, "ana")
    before = company.tell("wrong", "")
    believe(str(folder / "stranger.crt"))
    with pytest.raises(Unavailable, match="certificado"):
        identity.finish_provider_log_in(way.kept, answer["state"], answer["code"], "10.0.0.1")
    assert company.tell("wrong", "") == before
