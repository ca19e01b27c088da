"""Loading the risk file into a real Redis."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from services.risk_central import store
from services.risk_central.load import MAX_REJECTED_NAMED, load_file
from shared.contracts.risk_central import LoadReport
from shared.errors import Conflict, Invalid
from shared.redis import key
from tests.soap.people import COLUMNS, PEOPLE, Row, cedula, csv_bytes, row


def load(redis: Redis, *rows: Row) -> LoadReport:
    return load_file(redis, io.BytesIO(csv_bytes(list(rows))))


def names(redis: Redis, *words: str) -> list[str]:
    return [report.full_name for report in store.find_by_name(redis, " ".join(words), 20)]


def dump(redis: Redis) -> dict[bytes | str, bytes | None]:
    return {name: redis.dump(name) for name in redis.scan_iter(key("*"))}


def test_a_load_counts_and_a_second_changes_nothing(redis: Redis) -> None:
    first = load(redis, *PEOPLE)
    assert first == LoadReport(read=len(PEOPLE), created=len(PEOPLE))
    before = dump(redis)
    assert load(redis, *PEOPLE) == LoadReport(read=len(PEOPLE), unchanged=len(PEOPLE))
    assert dump(redis) == before


def test_a_delta_changes_only_its_own(redis: Redis) -> None:
    load(redis, row("170000001", "Vera Ana"), row("170000002", "Vera Luz"))
    report = load(redis, row("170000002", "Vera Luz", score="10"), row("170000003", "Vera Eva"))
    assert (report.created, report.updated) == (1, 1)
    found = store.list_risks(redis, [cedula("170000001"), cedula("170000002")])
    assert [risk.score for risk in found] == [900, 10]


def test_a_changed_name_moves_in_the_index(redis: Redis) -> None:
    load(redis, row("170000001", "Vera Ana"), row("170000002", "Vera Luz"))
    load(redis, row("170000001", "Vera Mónica"))
    assert names(redis, "ana") == []
    assert names(redis, "monica") == ["Vera Mónica"]
    assert names(redis, "vera") == ["Vera Luz", "Vera Mónica"]
    assert not redis.exists(key("risk:n:ana"))
    assert redis.zscore(key("risk:words"), "ana") is None


def test_a_load_cut_short_is_made_good_by_the_next(redis: Redis) -> None:
    """Killed after the index grew: readers see no wrong person, the next load completes it."""
    load(redis, row("170000001", "Vera Ana"))
    reports = [store.find_risk(redis, cedula("170000001"))]
    redis.delete(key("risk:r:170000"))
    assert names(redis, "vera") == []
    assert load(redis, row("170000001", "Vera Ana")).created == 1
    assert [store.find_risk(redis, cedula("170000001"))] == reports


def test_bad_rows_are_named_and_the_good_ones_count(redis: Redis) -> None:
    report = load(
        redis,
        row("170000001", "Vera Ana"),
        row("170000002", "Vera Luz", cedula="1700000021"),
        row("170000003", ""),
        row("170000004", "Vera Eva", category="F"),
        row("170000005", "Vera Sol", score="1000"),
        row("170000006", "Vera Paz", total_debt="mucho"),
        row("170000007", "Vera Pía", days_overdue="-1"),
        row("170000008", "Vera Zoe", reported_on="31/02/2026"),
        row("170000001", "Vera Ana"),
    )
    assert (report.read, report.created, report.rejected) == (9, 1, 8)
    reasons = {rejected.line: rejected.reason for rejected in report.rejected_rows}
    assert list(reasons) == list(range(3, 11))
    parts = ["verificador", "full_name", "category", "score", "monto", "days_overdue", "no existe"]
    for line, part in zip(range(3, 11), [*parts, "fila anterior"], strict=True):
        assert part in reasons[line]


def test_only_the_first_thousand_rejected_rows_are_named(redis: Redis) -> None:
    report = load(redis, *[row("170000001", "Vera Ana", score="x")] * (MAX_REJECTED_NAMED + 5))
    assert report.rejected == MAX_REJECTED_NAMED + 5
    assert len(report.rejected_rows) == MAX_REJECTED_NAMED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_usual_encodings_are_read(redis: Redis, encoding: str) -> None:
    content = csv_bytes([row("170000001", "Ñúñez Íñigo")], encoding=encoding)
    assert load_file(redis, io.BytesIO(content)).created == 1
    assert names(redis, "nunez") == ["Ñúñez Íñigo"]


def test_columns_may_come_in_any_order_and_none_may_miss(redis: Redis) -> None:
    people = [row("170000001", "Vera Ana")]
    turned = csv_bytes(people, columns=tuple(reversed(COLUMNS)))
    assert load_file(redis, io.BytesIO(turned)).created == 1
    with pytest.raises(Invalid, match="score"):
        load_file(redis, io.BytesIO(csv_bytes(people, columns=("cedula", "full_name"))))
    for garbage in (b"", b"\x00\x01\x02", b"PK\x03\x04"):
        with pytest.raises(Invalid):
            load_file(redis, io.BytesIO(garbage))


def test_two_loads_at_once_are_kept_apart(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.risk_central.load._LOCK_SECONDS", 0.2)
    with redis.lock(key("risk:load"), timeout=30), pytest.raises(Conflict, match="otra carga"):
        load(redis, *PEOPLE)
    assert load(redis, *PEOPLE).created == len(PEOPLE)


def test_a_long_name_does_not_make_the_others_larger(redis: Redis) -> None:
    """One value over 64 bytes would turn the list of a whole bucket into a table."""
    people = [row(f"17{number:07}", "Vera Ana", source="Banca") for number in range(500)]
    load(redis, *people)
    before = redis.memory_usage(key("risk:r:170000")) or 0
    long = "De la Torre y Fernández de Córdova María de los Ángeles Guadalupe"
    load(redis, row("170000007", long, source="Banca"))
    assert redis.object("encoding", key("risk:r:170000")) == b"listpack"
    assert 0 < (redis.memory_usage(key("risk:r:170000")) or 0) < before * 1.1
    assert names(redis, "cordova") == [long]
    assert store.list_risks(redis, [cedula("170000007")])[0].full_name == long
    assert load(redis, row("170000007", long, source="Banca")).unchanged == 1
    for length in (64 - 16 - 5, 30):  # just at the limit, then short again
        load(redis, row("170000007", "V" * length, source="Banca"))
        assert names(redis, "v" * 30) == ["V" * length]


def test_many_people_share_small_hashes(redis: Redis) -> None:
    load(redis, *(row(f"17{number:07}", "Vera Ana") for number in range(1000)))
    assert redis.hlen(key("risk:r:170000")) == 1000
    assert len(list(redis.scan_iter(key("risk:r:*")))) == 1


def test_the_shell_command_prints_its_report(redis: Redis, tmp_path: Path) -> None:
    path = tmp_path / "risk.csv"
    path.write_bytes(csv_bytes(PEOPLE))
    required = ("AMQP_URL", "DATABASE_URL", "FILES_URL", "SMTP_URL", "SOAP_PASSWORD")
    environment = {f"PREGON_{name}": "unused" for name in required} | {
        "PREGON_SECRET_KEY": "x" * 32,
        **os.environ,
    }
    command = [sys.executable, "-m", "services.risk_central.load", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    assert json.loads(done.stdout)["created"] == len(PEOPLE)
    path.write_text("nada")
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "faltan columnas" in done.stderr
