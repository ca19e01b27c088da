"""What is written down of a question before its answer leaves, and whom it names."""

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from services.risk_central import lines as in_stream
from services.risk_central import meter, wsdl
from services.risk_central.door import Door
from services.risk_central.meter import MOST_LINES
from shared import audit
from shared.contracts.soap_clients import SoapOutcome
from shared.redis import key
from tests.make.soap_clients import told_client as client
from tests.soap.people import PASSWORD, USER, cedula
from tests.soap.systems import KNOWN, ONE, STRANGER, ask, lines, many
from tests.soap.test_limits import message

BY_NAME = message("FindRiskByName", "<name>guaman</name>")
THOUSAND = [cedula(f"17400{number:04}") for number in range(1000)]


def test_each_question_is_on_record_before_its_answer_leaves(
    door: Door, let_in: Any, bureau: Redis
) -> None:
    let_in(client())
    ask(door)
    ask(door, message("GetRiskByCedula", f"<cedula>{STRANGER}</cedula>"))
    ask(door, many(KNOWN, STRANGER))
    ask(door, message("GetRiskByCedula", "<cedula>123</cedula>"))
    ask(door, message("FindRiskByName", "<name>guaman</name>"))
    ask(door, b"<a")
    ask(door, name=USER, secret=PASSWORD)
    told = lines(bureau)
    assert [(line[0], line[1], line[2], line[7], line[6]) for line in told] == [
        ("cobranzas", "GetRiskByCedula", "1", "1", "answered"),
        ("cobranzas", "GetRiskByCedula", "1", "0", "NotFound"),
        ("cobranzas", "GetRisks", "2", "1", "answered"),
        ("cobranzas", "GetRiskByCedula", "0", "0", "InvalidCedula"),
        ("cobranzas", "FindRiskByName", "2", "2", "answered"),
        ("cobranzas", "", "0", "0", "Malformed"),
        (USER, "GetRiskByCedula", "1", "1", "answered"),
    ]
    assert {line[3] for line in told} == {"10.0.0.1"}
    assert [line[8] for line in told] == list("1234567")
    assert told[2][5].split() == [audit.fingerprint(item) for item in (KNOWN, STRANGER)]
    whole = repr(bureau.xrange(key("risk_central:soap:lines")))
    assert KNOWN not in whole
    assert STRANGER not in whole


def test_a_flood_beyond_the_limit_is_one_line(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(per_minute=1))
    for _ in range(10):
        ask(door)
    assert [line[6] for line in lines(bureau)] == ["answered", "minute"]


def test_the_stream_is_bounded(bureau: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_LINES == 200_000
    monkeypatch.setattr(meter, "MOST_LINES", 100)
    door = Door(bureau, USER, PASSWORD)
    for _ in range(400):
        ask(door, name=USER, secret=PASSWORD)
    length: Any = bureau.xlen(key("risk_central:soap:lines"))
    assert 100 <= length <= 300


def test_without_the_record_there_is_no_answer(
    door: Door, let_in: Any, bureau: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with the stream: what cannot be written down does not leave."""
    let_in(client())
    bureau.set(key("risk_central:soap:lines"), "no stream")
    for body in (ONE, many(KNOWN), message("FindRiskByName", "<name>guaman</name>")):
        reply = ask(door, body)
        assert (reply.status, "Server.Unavailable" in reply.text) == (500, True)
        assert "Guamán" not in reply.text


# --- how long it can be ---


def test_a_long_question_is_one_line_in_short_entries(door: Door, bureau: Redis) -> None:
    ask(door, many(*THOUSAND), name=USER, secret=PASSWORD)
    ask(door, name=USER, secret=PASSWORD)
    [long, short] = lines(bureau)
    assert long[5].split() == audit.fingerprints(THOUSAND)
    assert short[5] == audit.fingerprint(KNOWN)
    entries: Any = bureau.xrange(key("risk_central:soap:lines"))
    sizes = [
        len(b"".join(part for pair in fields.items() for part in pair)) for _, fields in entries
    ]
    assert len(sizes) == 21
    assert max(sizes) < 1024


def test_an_address_is_no_longer_than_one_is(door: Door, bureau: Redis) -> None:
    ask(door, name=USER, secret=PASSWORD, REMOTE_ADDR="a" * 5000)
    assert lines(bureau)[0][3] == "a" * 45


def test_the_stream_is_bounded_in_bytes_whatever_is_asked(
    bureau: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what goes in about five times as much as stays."""
    monkeypatch.setattr(meter, "MOST_LINES", 400)
    door = Door(bureau, USER, PASSWORD)
    sizes: list[int] = []
    for _ in range(100):
        assert ask(door, many(*THOUSAND), name=USER, secret=PASSWORD).status == 200
        sizes.append(bureau.memory_usage(key("risk_central:soap:lines"), samples=0) or 0)
    assert max(sizes) < 400 * 1024 < 100 * 1000 * in_stream.FINGERPRINT_BYTES
    length: Any = bureau.xlen(key("risk_central:soap:lines"))
    assert 400 <= length < 450


# --- whom it names ---


@pytest.mark.parametrize("limits", [{"per_day": 1}, {"per_minute": 1}])
@pytest.mark.parametrize("body", [BY_NAME, many(KNOWN, STRANGER)], ids=["name", "batch"])
def test_a_question_that_was_refused_names_nobody(
    door: Door, let_in: Any, bureau: Redis, limits: dict[str, Any], body: bytes
) -> None:
    """It showed nobody; that it was asked, by whom, and why it was refused is on record."""
    let_in(client(**limits))
    assert ask(door).status == 200
    refused = ask(door, body)
    assert (refused.status, "Guam" in refused.text) == (429, False)
    [answered, line] = lines(bureau)
    assert answered[5] == audit.fingerprint(KNOWN)
    operation = "FindRiskByName" if body == BY_NAME else "GetRisks"
    why = SoapOutcome.DAY if "per_day" in limits else SoapOutcome.MINUTE
    assert (line[0], line[1], line[5], line[6]) == ("cobranzas", operation, "", why)


def test_a_question_that_failed_names_nobody(
    door: Door, let_in: Any, bureau: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where whom it found was known before; the room knows the word for how it ended."""
    let_in(client(per_day=10))

    def found_and_lost(*_: object) -> Any:
        meter.note_found([KNOWN])
        raise RedisError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(wsdl, "_find_by_name", found_and_lost)
        assert "Server.Unavailable" in ask(door, BY_NAME).text
    reply = ask(door)
    assert reply.headers["Quota-Remaining"] == "9"
    [line, _] = lines(bureau)
    assert (line[2], line[5], SoapOutcome(line[6])) == ("0", "", SoapOutcome.UNAVAILABLE)


# --- the way to Redis ---


def clients_of(redis: Redis) -> int:
    found: Any = redis.info("clients")
    return int(found["connected_clients"])


def test_a_door_keeps_as_many_connections_as_are_at_work_at_once(
    door: Door, let_in: Any, bureau: Redis
) -> None:
    let_in(client())
    ask(door)
    ask(door)
    before = clients_of(bureau)
    assert {ask(door).status for _ in range(20)} == {200}
    assert clients_of(bureau) == before


def test_what_redis_forgot_or_cut_costs_nobody_an_answer(
    door: Door, let_in: Any, bureau: Redis
) -> None:
    let_in(client())
    assert {ask(door).status for _ in range(3)} == {200}
    bureau.script_flush()
    assert ask(door).status == 200
    bureau.client_kill_filter(_type="normal", skipme=True)
    assert {ask(door).status for _ in range(3)} == {200}
    assert len(lines(bureau)) == 7
