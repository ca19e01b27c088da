"""Other systems at the bureau's door: who comes in, and how much they have."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import requests
import zeep
from redis import Redis
from requests.auth import HTTPBasicAuth

from services.risk_central import meter, places, roster, use
from services.risk_central.door import Door
from services.risk_central.refusals import TurnedAwayError
from shared.contracts.soap_clients import SoapOutcome
from shared.redis import key
from tests.make.soap_clients import digest
from tests.make.soap_clients import told_client as client
from tests.soap.people import PASSWORD, PEOPLE, USER
from tests.soap.systems import FORMER, KNOWN, ONE, OTHER, SECRET, STRANGER, ask, lines, many
from tests.soap.test_limits import message

# --- who ---


def test_a_client_comes_in_with_its_own_secret_alone(door: Door, let_in: Any) -> None:
    let_in(client(), client("ventas", OTHER))
    assert ask(door).status == 200
    assert ask(door, secret=OTHER).status == 401
    assert ask(door, name="nadie").status == 401
    assert ask(door, secret="").status == 401
    assert ask(door, secret=digest(SECRET)).status == 401
    assert ask(door, name=USER, secret=PASSWORD).status == 200


def test_the_former_secret_is_good_until_its_time(door: Door, let_in: Any) -> None:
    def secrets(until: float) -> list[Any]:
        return [(digest(SECRET), None), (digest(FORMER), until)]

    let_in(client(secrets=secrets(time.time() + 60)))
    assert (ask(door).status, ask(door, secret=FORMER).status) == (200, 200)
    let_in(client(secrets=secrets(time.time() - 1)))
    until(lambda: ask(door, secret=FORMER).status == 401, 5)
    assert ask(door).status == 200


def until(condition: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


def test_who_is_revoked_is_out_within_five_seconds(door: Door, let_in: Any) -> None:
    let_in(client(), client("ventas", OTHER))
    assert ask(door).status == 200
    let_in(client("ventas", OTHER))
    assert until(lambda: ask(door).status == 401, 5) < 5
    assert ask(door, name="ventas", secret=OTHER, REMOTE_ADDR="10.0.0.2").status == 200


def test_clients_that_redis_forgot_still_come_in(
    door: Door, let_in: Any, bureau: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "KEPT_SECONDS", 0.0)
    let_in(client())
    assert ask(door).status == 200
    bureau.delete(key("risk_central:soap:clients"))
    assert ask(door).status == 200


def test_a_client_asks_from_its_addresses_alone(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(networks=["10.0.0.0/30", "2001:db8::/64"]))
    assert ask(door).status == 200
    assert ask(door, REMOTE_ADDR="::ffff:10.0.0.2").status == 200
    assert ask(door, REMOTE_ADDR="2001:db8::7").status == 200
    refused = [ask(door, REMOTE_ADDR=address).status for address in ("10.0.0.4", "", "otra")]
    assert refused == [401] * 3
    told = [line for line in lines(bureau) if line[6] == SoapOutcome.ADDRESS]
    assert [(line[0], line[3]) for line in told] == [("cobranzas", "10.0.0.4"), *_empty()]
    wrong = ask(door, secret="otro", REMOTE_ADDR="10.0.0.9")
    assert wrong.text == ask(door, REMOTE_ADDR="10.0.0.8").text  # nor is told which it was


def _empty() -> list[tuple[str, str]]:
    return [("cobranzas", ""), ("cobranzas", "otra")]


# --- how much ---


def test_a_minute_has_so_many_questions(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(per_minute=5), client("ventas", OTHER))
    replies = [ask(door) for _ in range(8)]
    assert [reply.status for reply in replies] == [200] * 5 + [429] * 3
    assert [reply.headers["RateLimit-Remaining"] for reply in replies[:5]] == list("43210")
    assert 1 <= int(replies[5].headers["Retry-After"]) <= 12
    assert "5 consultas por minuto" in replies[5].text
    assert ask(door, name="ventas", secret=OTHER).status == 200
    assert ask(door, name=USER, secret=PASSWORD).status == 200


def test_the_measure_is_that_of_all_processes(let_in: Any, bureau: Redis) -> None:
    let_in(client(per_minute=4))
    doors = [Door(bureau, USER, PASSWORD) for _ in range(2)]
    assert [ask(doors[turn % 2]).status for turn in range(6)] == [200] * 4 + [429] * 2


def test_who_has_waited_may_ask_again(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(per_minute=120))
    for _ in range(120):
        assert ask(door).status == 200
    refused = next(reply for reply in iter(lambda: ask(door), None) if reply.status == 429)
    assert refused.headers["Retry-After"] == "1"
    until(lambda: ask(door).status == 200, 5)


def test_who_has_to_wait_costs_redis_nothing(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(per_minute=1))
    assert [ask(door).status for _ in range(2)] == [200, 429]

    def scripts() -> int:
        stats: Any = bureau.info("commandstats")
        return int(stats["cmdstat_evalsha"]["calls"])

    before = scripts()
    assert {ask(door).status for _ in range(20)} == {429}
    assert scripts() == before


def test_a_day_has_so_many_persons(door: Door, let_in: Any, bureau: Redis) -> None:
    let_in(client(per_day=4), client("ventas", OTHER))
    assert ask(door, many(KNOWN, STRANGER, KNOWN)).headers["Quota-Remaining"] == "2"
    assert ask(door, message("GetRiskByCedula", f"<cedula>{STRANGER}</cedula>")).status == 500
    refused = ask(door, many(KNOWN, STRANGER))
    assert (refused.status, "le quedan 1." in refused.text) == (429, True)
    assert 1 <= int(refused.headers["Retry-After"]) <= 24 * 3600
    assert ask(door).headers["Quota-Remaining"] == "0"  # a smaller one fits
    assert ask(door).status == 429
    assert ask(door, name="ventas", secret=OTHER).status == 200
    today = use.today(bureau, ["cobranzas"])["cobranzas"]
    assert (today.asked, today.persons, today.refused) == (3, 4, 2)


def test_the_wait_for_a_day_ends_at_midnight_in_ecuador(
    door: Door, let_in: Any, bureau: Redis
) -> None:
    let_in(client(per_day=1))
    assert ask(door).status == 200
    wait = int(ask(door).headers["Retry-After"])
    seconds, _ = bureau.time()
    assert abs((seconds - 5 * 3600 + wait) % 86400) in (0, 1, 86399)
    yesterday(bureau, "cobranzas")
    until(lambda: ask(door).status == 200, 5)


def test_a_day_is_ecuadors_at_any_hour(
    bureau: Redis, let_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a script that is told another time: one minute before midnight is still the day."""
    let_in(client(per_day=1))
    written = meter.Meter._written
    midnight = datetime(2026, 11, 23, 5, tzinfo=UTC)

    def ask_at(moment: datetime) -> Any:
        told = f"{{'{int(moment.timestamp())}', '0'}}"
        with monkeypatch.context() as patch:
            patch.setattr(
                meter.Meter, "_written", lambda self: written(self).replace("call('TIME')", told)
            )
            return ask(Door(bureau, USER, PASSWORD))

    assert ask_at(midnight - timedelta(hours=6)).status == 200
    refused = ask_at(midnight - timedelta(minutes=1))
    assert (refused.status, refused.headers.get("Retry-After")) == (429, "60")
    assert ask_at(midnight).status == 200


def yesterday(redis: Redis, name: str) -> None:
    """As if what was asked today had been asked the day before."""
    place = key(f"risk_central:soap:use:{name}")
    packed: Any = redis.get(place)
    full, day, *rest = meter.USE.unpack(packed)
    redis.set(place, meter.USE.pack(full, day - 1, *rest))


def test_a_search_by_name_costs_those_it_finds(door: Door, let_in: Any) -> None:
    let_in(client(per_day=10))
    by_name = message("FindRiskByName", "<name>homonimo juan</name><limit>8</limit>")
    assert ask(door, by_name).headers["Quota-Remaining"] == "2"
    refused = ask(door, by_name)
    assert (refused.status, "Homónimo" in refused.text) == (429, False)
    nobody = message("FindRiskByName", "<name>nadie ninguno</name>")
    assert ask(door, nobody).headers["Quota-Remaining"] == "1"


@pytest.mark.parametrize("attribute", ["", " x='1'"])
def test_by_the_long_way_it_costs_the_same(door: Door, let_in: Any, attribute: str) -> None:
    let_in(client(per_day=3))
    both = f"<string>{KNOWN}</string><string>{STRANGER}</string>"
    batch = message("GetRisks", f"<cedulas{attribute}>{both}</cedulas>")
    first = ask(door, batch)
    assert (first.status, first.headers["Quota-Remaining"]) == (200, "1")
    again = ask(door, batch)
    assert (again.status, "le quedan 1." in again.text) == (429, True)


def test_a_fault_costs_a_question_and_no_person(door: Door, let_in: Any) -> None:
    let_in(client(per_minute=3, per_day=1))
    wrong = message("GetRiskByCedula", "<cedula>123</cedula>")
    reply = ask(door, wrong)
    assert (reply.status, reply.headers["RateLimit-Remaining"]) == (500, "2")
    assert ask(door, b"<a").headers["Quota-Remaining"] == "1"
    assert ask(door).status == 200
    assert ask(door, wrong).status == 429


def test_the_house_has_no_measure(door: Door) -> None:
    replies = [ask(door, name=USER, secret=PASSWORD) for _ in range(50)]
    assert {reply.status for reply in replies} == {200}
    assert "RateLimit-Limit" not in replies[0].headers


# --- at once ---


def test_a_client_has_its_own_places_and_never_all(let_in: Any) -> None:
    all_places = places.Places(16, 0.05)
    one = roster.Client("cobranzas", at_once=8)
    for _ in range(8):
        all_places.take(one)
    began = time.monotonic()
    with pytest.raises(TurnedAwayError) as refused:
        all_places.take(one)
    assert time.monotonic() - began < 0.05
    assert refused.value.headers == (("Retry-After", "1"),)
    other = roster.Client("ventas", at_once=8)
    for _ in range(4):
        all_places.take(other)
    with pytest.raises(TurnedAwayError):
        all_places.take(other)  # the last four are the house's
    house = roster.Client(USER)
    for _ in range(4):
        all_places.take(house)
    with pytest.raises(TurnedAwayError):
        all_places.take(house)
    for _ in range(8):
        all_places.give_back(one)
    all_places.take(other)


@pytest.fixture
def served(server: str, bureau: Redis) -> str:
    """The real server, with two other systems."""
    roster.write(bureau, [client(at_once=1, per_minute=60_000), client("ventas", OTHER)])

    pairs = (("cobranzas", SECRET), ("ventas", OTHER))

    def are_in() -> bool:
        found = [post(server, name, secret) for name, secret in pairs for _ in range(6)]
        return {reply.status_code for reply in found} == {200}

    until(are_in, 10)
    return server


def post(server: str, name: str, secret: str, body: bytes = ONE) -> httpx.Response:
    return httpx.post(
        f"{server}/risk-central",
        content=body,
        auth=(name, secret),
        headers={"Content-Type": "text/xml"},
        timeout=30,
    )


def test_one_that_saturates_the_door_makes_nobody_else_slow(served: str, bureau: Redis) -> None:
    """Its surplus is turned away with 503; another is answered about as fast as before."""
    wanted = many(*(row["cedula"] for row in PEOPLE))
    alone = slowest(served)
    with ThreadPoolExecutor(12) as threads:
        end = time.monotonic() + 4
        greedy = [threads.submit(flood, served, wanted, end) for _ in range(12)]
        beside = slowest(served)
        replies = [reply for future in greedy for reply in future.result()]
    turned = [reply for reply in replies if reply.status_code == 503]
    assert turned
    assert {reply.headers["Retry-After"] for reply in turned} == {"1"}
    assert beside < max(1.0, 20 * alone), (alone, beside)


def flood(server: str, body: bytes, end: float) -> list[httpx.Response]:
    found = []
    with httpx.Client(auth=("cobranzas", SECRET), timeout=30) as http:
        while time.monotonic() < end:
            head = {"Content-Type": "text/xml"}
            found.append(http.post(f"{server}/risk-central", content=body, headers=head))
    return found


def slowest(server: str) -> float:
    """Of thirty, all but the slowest three."""
    taken = []
    for _ in range(30):
        began = time.monotonic()
        assert post(server, "ventas", OTHER).status_code == 200
        taken.append(time.monotonic() - began)
    return sorted(taken)[-4]


# --- a client that others wrote ---


@pytest.mark.parametrize("path", ["/risk-central", "/risk-central/soap12"])
def test_a_stock_client_reads_what_it_is_told(served: str, bureau: Redis, path: str) -> None:
    right, wrong = zeep_client(served + path, SECRET), zeep_client(served + path, "otro")
    assert right.service.GetRiskByCedula(KNOWN)["cedula"] == KNOWN
    with pytest.raises(zeep.exceptions.TransportError) as refused:
        wrong.service.GetRiskByCedula(KNOWN)
    assert refused.value.status_code == 401
    roster.write(bureau, [client(per_day=1)])
    until(lambda: refusal(right) == 429, 8)


def refusal(stock: Any) -> int:
    try:
        stock.service.GetRisks({"string": [KNOWN, STRANGER]})
    except zeep.exceptions.TransportError as error:
        return int(error.status_code) if "personas por día" in error.content.decode() else 0
    return 200


def zeep_client(address: str, secret: str) -> Any:
    session = requests.Session()
    session.auth = HTTPBasicAuth("cobranzas", secret)
    session.trust_env = False
    transport: Any = zeep.Transport(session=session)  # type: ignore[no-untyped-call]  # zeep
    return zeep.Client(f"{address}?wsdl", transport=transport)  # type: ignore[no-untyped-call]
