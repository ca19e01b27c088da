"""Every kind of job of the room: it fails once and still ends; it fails for good and says so."""

from uuid import UUID, uuid4

import pytest

from services.campaign import audience, contact_states, exports, jobs
from services.campaign.models import Export
from shared import jobs as shared_jobs
from shared import transfer
from tests.databases import outbox_of
from tests.jobs.campaign.conftest import Transfers
from tests.jobs.deliveries import deliver, failing

ALWAYS = 10**6


@pytest.fixture
def edition(transfers: Transfers) -> tuple[int, UUID]:
    transfers.add_people(5)
    campaign_id = transfers.add_campaign()
    return campaign_id, transfers.request(campaign_id)


def load(transfers: Transfers, audience_id: UUID) -> None:
    for chunk in transfers.export(audience_id):
        jobs.load_audience_chunk(chunk.to_wire())


def test_a_chunk_that_failed_once_is_loaded(
    transfers: Transfers, edition: tuple[int, UUID]
) -> None:
    _, audience_id = edition
    chunks = transfers.export(audience_id)
    with failing(transfer, "_record", times=1):
        went = [deliver(jobs.load_audience_chunk, chunk.to_wire()) for chunk in chunks]
    assert went[0] == ["wait.5s"]
    assert len(transfers.members(audience_id)) == 5


def test_a_chunk_that_cannot_be_loaded_fails_the_edition(
    transfers: Transfers, edition: tuple[int, UUID]
) -> None:
    campaign_id, audience_id = edition
    chunk = transfers.export(audience_id)[0]
    with failing(transfer, "_record", times=ALWAYS):
        went = deliver(jobs.load_audience_chunk, chunk.to_wire())
    assert went[-2:] == ["jobs.campaign", "dead.jobs"]
    status = transfers.status(campaign_id)
    assert (status.state, bool(status.error)) == ("failed", True)


def test_a_completion_that_failed_once_is_made(
    transfers: Transfers, edition: tuple[int, UUID]
) -> None:
    campaign_id, audience_id = edition
    load(transfers, audience_id)
    with failing(audience, "_count_figures", times=1):
        assert deliver(jobs.complete_audience, str(audience_id), 5) == ["wait.5s"]
    assert transfers.status(campaign_id).state == "ready"


def test_a_completion_that_cannot_be_made_fails_the_edition(
    transfers: Transfers, edition: tuple[int, UUID]
) -> None:
    campaign_id, audience_id = edition
    load(transfers, audience_id)
    with failing(audience, "_count_figures", ALWAYS, KeyError("a defect")):
        deliver(jobs.complete_audience, str(audience_id), 5)
    assert transfers.status(campaign_id).state == "failed"
    assert transfers.members(audience_id) == {}


@pytest.fixture
def asked(transfers: Transfers, edition: tuple[int, UUID], monkeypatch: pytest.MonkeyPatch) -> str:
    """An export of a complete audience."""
    monkeypatch.setattr(shared_jobs, "send_bulk", lambda *_: None)
    campaign_id, audience_id = edition
    load(transfers, audience_id)
    jobs.complete_audience(str(audience_id), 5)
    values = {
        "transfer_id": uuid4(),
        "kind": "recipients",
        "campaign_id": campaign_id,
        "audience_id": audience_id,
        "customer_ids": None,
        "state": "running",
    }
    with transfers.campaigns.begin() as session:
        return str(exports.insert_export(session, values).transfer_id)


def state_of(transfers: Transfers, transfer_id: str) -> str:
    with transfers.campaigns() as session:
        return session.get_one(Export, transfer_id).state


def test_an_export_that_failed_once_is_made(transfers: Transfers, asked: str) -> None:
    with failing(transfer, "export", times=1):
        assert deliver(jobs.export_audience, asked) == ["wait.5s"]
    assert state_of(transfers, asked) == "done"


def test_an_export_that_cannot_be_made_says_so(transfers: Transfers, asked: str) -> None:
    with failing(transfer, "export", times=ALWAYS):
        assert deliver(jobs.export_audience, asked)[-1] == "dead.jobs"
    assert state_of(transfers, asked) == "failed"
    name, payload = outbox_of(transfers.campaigns)[-1]
    assert (name, payload["transfer_id"]) == ("export_failed", asked)


def test_cleaning_up_fails_once_and_still_ends(transfers: Transfers, asked: str) -> None:
    with failing(audience, "list_superseded", times=1):
        assert deliver(jobs.remove_superseded, 1) == ["wait.5s"]
    with failing(contact_states, "forget_old", times=1):
        assert deliver(jobs.forget_old) == ["wait.5s"]
