"""The chunk protocol: whatever happens on the way, each customer arrives exactly once."""

import random
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import zstandard

from services.campaign import jobs
from shared import transfer
from shared.transfer import Chunk
from tests.databases import outbox_of
from tests.jobs.campaign.conftest import Transfers

PEOPLE = 60
COMPLETE = "campaign.complete_audience"


def load(chunks: Sequence[Chunk]) -> None:
    for chunk in chunks:
        jobs.load_audience_chunk(chunk.to_wire())


def completions(transfers: Transfers) -> list[object]:
    return [payload for name, payload in outbox_of(transfers.campaigns) if name == COMPLETE]


def moves(transfers: Transfers) -> list[int]:
    return [
        payload["campaign_id"]
        for name, payload in outbox_of(transfers.campaigns)
        if name == "audience_moved"
    ]


@pytest.fixture
def filled(transfers: Transfers) -> Transfers:
    """Both ends, with people to export."""
    transfers.add_people(PEOPLE)
    return transfers


def test_an_export_is_cut_at_line_ends_and_closed_with_its_totals(filled: Transfers) -> None:
    *chunks, last = filled.export(uuid4())
    assert len(chunks) > 5
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert (last.last, last.number, last.rows) == (True, len(chunks), PEOPLE)
    assert sum(chunk.rows for chunk in chunks) == PEOPLE
    assert sum(chunk.checksum for chunk in chunks) == last.checksum


def test_chunks_in_their_order_arrive_whole_and_complete_once(filled: Transfers) -> None:
    campaign_id = filled.add_campaign()
    audience_id = filled.request(campaign_id)
    chunks = filled.export(audience_id)
    load(chunks[:-1])
    running = filled.status(campaign_id)
    assert (running.state, running.expected, running.transferred) == ("transferring", None, PEOPLE)
    load(chunks[-1:])
    assert len(filled.members(audience_id)) == PEOPLE
    assert filled.status(campaign_id).expected == PEOPLE
    assert len(completions(filled)) == 1


def test_pages_hear_of_each_chunk_once_and_of_the_end(filled: Transfers) -> None:
    campaign_id = filled.add_campaign()
    audience_id = filled.request(campaign_id)
    chunks = filled.export(audience_id)
    load([*chunks, *chunks])
    assert moves(filled) == [campaign_id] * len(chunks)
    jobs.complete_audience(str(audience_id), PEOPLE)
    assert len(moves(filled)) == len(chunks) + 1
    failed = filled.request(campaign_id)
    jobs.fail_edition("No hay memoria.", str(failed))
    assert len(moves(filled)) == len(chunks) + 2


@pytest.mark.parametrize("seed", range(5))
def test_chunks_in_any_order_twice_and_from_many_workers_arrive_once(
    filled: Transfers, seed: int
) -> None:
    audience_id = filled.request(filled.add_campaign())
    chunks = filled.export(audience_id) * 2
    random.Random(seed).shuffle(chunks)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda chunk: load([chunk]), chunks))
    assert len(filled.members(audience_id)) == PEOPLE
    assert len(completions(filled)) == 1


def test_the_closing_chunk_may_come_first_and_the_last_piece_late(filled: Transfers) -> None:
    audience_id = filled.request(filled.add_campaign())
    first, *others, closing = filled.export(audience_id)
    load([closing, *others])
    assert completions(filled) == []
    load([first])
    assert len(completions(filled)) == 1
    load([first, *others, closing])
    assert len(completions(filled)) == 1
    assert len(filled.members(audience_id)) == PEOPLE


def test_an_exporter_that_died_starts_over_with_another_snapshot(filled: Transfers) -> None:
    audience_id = filled.request(filled.add_campaign())
    dead = filled.export(audience_id, attempt=1)
    half = len(dead) // 2
    load(dead[:half])
    filled.add_people(20, seed=2)
    alive = filled.export(audience_id, attempt=2)
    load(alive[:2])
    load(dead[half:])  # late, of the dead attempt
    load(alive[2:])
    assert len(filled.members(audience_id)) == PEOPLE + 20
    assert len(completions(filled)) == 1


def test_attempts_that_meet_at_many_workers_are_never_mixed(filled: Transfers) -> None:
    audience_id = filled.request(filled.add_campaign())
    dead = filled.export(audience_id, attempt=1)[:-1]
    filled.add_people(20, seed=2)
    alive = filled.export(audience_id, attempt=2)
    chunks = [*dead, *alive]
    random.Random(1).shuffle(chunks)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda chunk: load([chunk]), chunks))
    assert len(filled.members(audience_id)) == PEOPLE + 20
    assert len(completions(filled)) == 1


def test_a_transfer_that_nobody_expects_is_dropped(filled: Transfers) -> None:
    unknown = uuid4()
    load(filled.export(unknown))
    assert filled.members(unknown) == {}
    assert completions(filled) == []


@pytest.mark.parametrize("change", [{"checksum": 7}, {"rows": PEOPLE + 1}])
def test_totals_that_differ_are_told_and_nothing_is_completed(
    filled: Transfers, change: dict[str, Any]
) -> None:
    campaign_id = filled.add_campaign()
    *chunks, closing = filled.export(filled.request(campaign_id))
    load(chunks)
    with pytest.raises(transfer.DamagedError, match="differ"):
        load([replace(closing, **change)])
    assert completions(filled) == []
    assert filled.status(campaign_id).state == "transferring"


def test_a_chunk_one_row_short_is_refused_whatever_it_says_of_itself(filled: Transfers) -> None:
    campaign_id = filled.add_campaign()
    audience_id = filled.request(campaign_id)
    first, *_ = filled.export(audience_id)
    lines = zstandard.ZstdDecompressor().decompress(first.data).splitlines(keepends=True)
    short = b"".join(lines[:-1])
    packed = zstandard.compress(short)
    for damaged in (
        replace(first, data=packed),
        replace(first, data=packed, checksum=zlib.crc32(short)),
        replace(first, data=b"not zstd"),
    ):
        with pytest.raises(transfer.DamagedError):
            load([damaged])
    assert filled.members(audience_id) == {}
    load([first])
    assert len(filled.members(audience_id)) == len(lines)


def test_rows_lost_between_database_and_chunks_are_told(
    filled: Transfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = transfer.Cutter.write
    calls = iter(range(10**6))
    monkeypatch.setattr(
        transfer.Cutter,
        "write",
        lambda self, line: kept(self, line) if next(calls) != 7 else len(line),
    )
    with pytest.raises(transfer.DamagedError):
        filled.export(filled.request(filled.add_campaign()))


def test_an_empty_segment_is_complete_with_nobody(transfers: Transfers) -> None:
    campaign_id = transfers.add_campaign()
    load(transfers.export(transfers.request(campaign_id)))
    assert len(completions(transfers)) == 1
    assert transfers.status(campaign_id).transferred == 0
