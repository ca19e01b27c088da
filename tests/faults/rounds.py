"""Random kills under a load of everything: `make faults ONLY=rounds`, `SEED=…` to repeat one.

Users import, make campaigns, mail, assign, call, check and load risks, each asking again with the
same key while something is down. Meanwhile a part is killed with -9 in each round. At the end all
that was accepted is done once or has failed with a reason, and every count agrees with the others.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_binary_file
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from amqp.exceptions import AMQPError
from kombu import Connection
from redis.exceptions import RedisError

from infra.demo import customers, risk
from infra.demo.generate_file import write_rows
from infra.demo.play import STATES
from infra.demo.player import Client, Json, PlayError, equal
from infra.native import postgres, rabbitmq, redis
from shared.contracts import ROOMS
from tests import product
from tests.faults.kills import Stage

ROUNDS = int(os.environ.get("ROUNDS") or 20)
PEOPLE = 300  # in each file
RECOVERY_SECONDS = 120.0
QUIET_SECONDS = 900.0
VICTIMS = (
    *("postgres", "rabbitmq", "redis") * 3,
    *("relay", "gateway", "soap", "beat"),
    *("room-customer_query", "room-campaign", "room-mailer", "room-telemarketing"),
    "room-small",
    *("worker-customer_query", "worker-campaign", "worker-mailer"),
    "worker-small",
)


class Load:
    """What the users asked for and were promised, and the threads in which they go on asking."""

    def __init__(self, stage: Stage, running: product.Product) -> None:
        self.stage, self.running = stage, running
        self.imports: dict[int, int] = {}  # id → rows
        self.campaigns: list[int] = []
        self.mailings: dict[int, int] = {}  # id → campaign
        self.risk_loads: dict[int, int] = {}
        self.calls: list[Json] = []
        self.checks = 0
        self.errors: list[str] = []
        self._seeds = iter(range(5000, 10**6, 7))
        self._stop = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The load, while the block lasts."""
        users = [
            ("jefe", self._import_file),
            ("jefe", self._run_campaign),
            ("admin", self._load_risks),
            *((advisor, self._call_somebody) for advisor in ("asesor1", "asesor2", "asesor3")),
        ]
        threads = [threading.Thread(target=self._go_on, args=user) for user in users]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _go_on(self, username: str, step: Callable[[Client], None]) -> None:
        client = self.stage.play.client(username)
        while not self._stop.is_set():
            try:
                step(client)
            except Exception as error:  # told at the end, and the load goes on
                self.errors.append(f"{step.__name__}: {error!r}"[:500])

    def _import_file(self, head: Client) -> None:
        seed = self._next_seed()
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            customers.write_file(file.name, good=PEOPLE, bad=3, seed=seed)
            upload = {"file": ("clientes.csv", Path(file.name).read_bytes(), "text/csv")}
            job = head.post("/customers/imports", files=upload)
        self.imports[job["id"]] = PEOPLE + 3
        self._stop.wait(3)

    def _run_campaign(self, head: Client) -> None:
        design = head.get("/designs", limit=1)["items"][0]["id"]
        number = head.post("/campaigns", json=CAMPAIGN | {"design_id": design})["id"]
        self.campaigns.append(number)
        path = f"/campaigns/{number}/audience"
        if head.wait(path, _has_ended, "audience")["state"] != "ready":
            return
        for phase in ("planned", "executing"):
            head.post(f"/campaigns/{number}/phase", json={"phase": phase})
        order = {"campaign_id": number, "subject": f"Ronda {number}"}
        self.mailings[head.post_when_heard("/mailings", json=order)["id"]] = number
        share = {"advisors": list(ADVISORS), "per_advisor": 30, "strategy": "equal"}
        head.post_when_heard(f"/campaigns/{number}/assignments", json=share)

    def _load_risks(self, admin: Client) -> None:
        people = list(customers.customers(PEOPLE, self._next_seed()))
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            rows = risk.risk_rows(people, known_share=1)
            write_rows(file.name, risk.COLUMNS, rows, total=PEOPLE)
            upload = {"file": ("riesgos.csv", Path(file.name).read_bytes(), "text/csv")}
            self.risk_loads[admin.post("/risk-loads", files=upload)["id"]] = PEOPLE
        self._stop.wait(5)

    def _call_somebody(self, advisor: Client) -> None:
        lease = advisor.post("/calls/next")
        if lease is None:
            self._stop.wait(1)
            return
        advisor.post(f"/customers/{lease['customer']['customer_id']}/risk-checks")
        with self._lock:
            self.checks += 1
        call = {"lease_id": lease["lease_id"], "result": "interested", "note": ""}
        made = advisor.post("/calls", json=call)
        with self._lock:
            self.calls.append(made)
        self._stop.wait(0.3)

    def _next_seed(self) -> int:
        with self._lock:
            return next(self._seeds)


ADVISORS = ("asesor1", "asesor2", "asesor3")
CAMPAIGN = {
    "name": "Ronda de fallas",
    "channels": ["mail", "phone"],
    "definition": {"all": [{"field": "age", "between": [18, 90]}]},
    "budget": "100.00",
    "control_share": 0.1,
}


def _has_ended(found: Json) -> bool:
    return found["state"] not in {"transferring", "waiting", "running", "preparing", "none"}


def rounds() -> Json:
    """Kill a random part in each round; check everything at the end."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    rng = random.Random(seed)
    limits = {"PREGON_CONTACT_CAP": "10000"}  # the cap is not what is tested here
    with product.running(**limits) as running:
        stage = Stage(running)
        load = Load(stage, running)
        load._import_file(stage.head)
        with load.going_on():
            for number in range(1, ROUNDS + 1):
                _round(stage, running, rng, number, seed)
        return {"seed": seed, "rounds": ROUNDS} | _check(load)


def rotation() -> Json:
    """New passwords for everybody under the same load; nobody is refused, and all agrees."""
    with product.running(PREGON_CONTACT_CAP="10000") as running:
        stage = Stage(running)
        load = Load(stage, running)
        load._import_file(stage.head)
        former = (running.run_dir / "accounts/campaign/account.env").read_text()
        began = time.monotonic()
        with load.going_on():
            command = [sys.executable, "-m", "infra.native", "rotate"]
            subprocess.run(command, env=running.environ, cwd=product.ROOT, check=True)
        seconds = round(time.monotonic() - began)
        equal("refused", [], "of former users", [url for url in _urls(former) if _lets_in(url)])
        equal("refused", [], "of present ones", product.refusals(running))
        return {"seconds": seconds} | _check(load)


def _urls(account: str) -> list[str]:
    lines = [line for line in account.splitlines() if "_URL=" in line]
    return [line.partition("=")[2].strip("'") for line in lines]


def _lets_in(url: str) -> bool:
    checks = {"pyamqp": rabbitmq.check, "postgresql": postgres.check, "redis": redis.check}
    try:
        checks[url.partition(":")[0]](url)
    except (OSError, AMQPError, psycopg2.Error, RedisError):
        return False
    return True


def _round(
    stage: Stage, running: product.Product, rng: random.Random, number: int, seed: int
) -> None:
    time.sleep(rng.uniform(2, 8))
    victims = rng.sample(VICTIMS, rng.choice((1, 1, 2)))
    for victim in victims:
        stage.kill(victim)
        time.sleep(rng.choice((0, 2.5)))  # the second while the first comes back
    line: Json = {"fault": "rounds", "round": number, "seed": seed, "killed": victims}
    line["recovery_seconds"] = _wait_until_ready(running.address, victims)
    print(json.dumps(line), flush=True)


def _wait_until_ready(address: str, victims: list[str]) -> float:
    """Seconds until every room answers again and nothing is stuck."""
    began = time.monotonic()
    time.sleep(0.5)
    while (seconds := time.monotonic() - began) < RECOVERY_SECONDS:
        state = _readiness(address)
        if not state:
            return round(seconds, 1)
        time.sleep(0.25)
    raise PlayError(f"not ready {seconds:.0f} s after the end of {victims}: {state}")


def _readiness(address: str) -> str:
    """What is wrong; empty when nothing is."""
    try:
        answer = httpx.get(f"{address}/health/ready", timeout=10)
    except httpx.HTTPError as error:
        return repr(error)
    return "" if answer.status_code == httpx.codes.OK else answer.text


# --- the account ---


def _check(load: Load) -> Json:
    equal("errors that users were shown", load.errors, "none", [])
    head, admin = load.stage.head, load.stage.play.client("admin")
    _wait_until_quiet(load.running)
    failed: Counter[str] = Counter()
    for number, rows in load.imports.items():
        done = _end(head, f"/customers/imports/{number}", failed, "imports")
        if done:
            equal(f"rows of import {number}", rows, "rows read", done["read"])
            parts = ("created", "updated", "unchanged", "rejected")
            equal("rows read", done["read"], "their fates", sum(done[part] for part in parts))
    for number, rows in load.risk_loads.items():
        done = _end(admin, f"/risk-loads/{number}", failed, "risk_loads")
        if done:
            equal(f"rows of risk load {number}", rows, "rows read", done["read"])
    for number in load.campaigns:
        done = _end(head, f"/campaigns/{number}/audience", failed, "audiences")
        if done:
            members = sum(1 for _ in head.pages(f"/campaigns/{number}/members"))
            equal(f"audience of {number}", done["expected"], "transferred", done["transferred"])
            equal(f"audience of {number}", done["transferred"], "members", members)
    delivered = _mails_by_subject(load.stage.mail)
    totals: Counter[str] = Counter()
    for number, campaign_id in load.mailings.items():
        totals.update(_check_mailing(head, number, campaign_id, delivered, failed))
    _check_calls(load, head)
    return {
        "imports": len(load.imports),
        "audiences": len(load.campaigns),
        "mailings": len(load.mailings),
        "risk_loads": len(load.risk_loads),
        "calls": len(load.calls),
        "risk_checks": load.checks,
        "failed_with_reason": dict(failed),
        "mails": dict(totals),
        "dead_letters": _dead_letters(load.running),
    }


def _end(client: Client, path: str, failed: Counter[str], kind: str) -> Json | None:
    """The thing at its end; None when it failed with a reason."""
    done = client.wait(path, _has_ended, path)
    if done["state"] != "failed":
        return done
    if not done["error"]:
        raise PlayError(f"{path} failed without a reason")
    failed[kind] += 1
    return None


def _check_mailing(
    head: Client,
    number: int,
    campaign_id: int,
    delivered: dict[str, Counter[str]],
    failed: Counter[str],
) -> Counter[str]:
    ends = {"finished", "failed", "paused"}
    done = head.wait(f"/mailings/{number}", lambda found: found["state"] in ends, "mailing")
    if done["state"] != "finished":
        if not done["error"]:
            raise PlayError(f"mailing {number} is {done['state']} without a reason")
        failed["mailings"] += 1
        return Counter()
    skipped = sum(done["skipped"].values())
    equal("target", done["target"], "states", sum(done[key] for key in STATES) + skipped)
    got = delivered.get(f"Ronda {campaign_id}", Counter())
    if twice := [address for address, count in got.items() if count > 1]:
        raise PlayError(f"{len(twice)} people were mailed twice by mailing {number}")
    if not done["sent"] <= got.total() <= done["sent"] + done["doubtful"]:
        raise PlayError(f"mailing {number}: {got.total()} delivered, {done}")
    statistics = head.wait(
        f"/campaigns/{campaign_id}/statistics",
        lambda found: found["mail"]["sent"] == done["sent"],
        "statistics",
    )
    equal("mails sent", done["sent"], "statistics", statistics["mail"]["sent"])
    return Counter(sent=done["sent"], skipped=skipped, doubtful=done["doubtful"])


def _check_calls(load: Load, head: Client) -> None:
    listed = Counter(call["id"] for call in head.pages("/calls"))
    equal("calls recorded", {call["id"]: 1 for call in load.calls}, "listed", dict(listed))
    with _database(load.running, "telemarketing") as cursor:
        cursor.execute("SELECT count(*) FROM risk_check")
        equal("risk checks answered", load.checks, "logged", cursor.fetchone()[0])
    for campaign_id in load.campaigns:
        made = sum(call["campaign_id"] == campaign_id for call in load.calls)
        path = f"/campaigns/{campaign_id}/statistics"
        head.wait(path, partial(_has_calls, made), f"calls of campaign {campaign_id}")


def _has_calls(made: int, found: Json) -> bool:
    return bool(found["calls"] == made)


def _mails_by_subject(folder: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for path in (folder / "new").iterdir():
        with path.open("rb") as file:
            mail = message_from_binary_file(file)
        found.setdefault(str(mail["Subject"]), Counter())[str(mail["To"])] += 1
    return found


def _wait_until_quiet(running: product.Product) -> None:
    """No queue but the dead ones holds anything, no outbox, no open job."""
    deadline = time.monotonic() + QUIET_SECONDS
    while left := _unfinished(running):
        if time.monotonic() > deadline:
            raise PlayError(f"still unfinished after {QUIET_SECONDS:.0f} s: {left}")
        time.sleep(1)


def _unfinished(running: product.Product) -> dict[str, int]:
    left = {name: count for name, count in _depths(running).items() if "dead." not in name}
    for room in ROOMS:
        with _database(running, room) as cursor:
            for table in ("outbox", "open_job"):
                cursor.execute(f"SELECT count(*) FROM {table}")
                left[f"{room}.{table}"] = cursor.fetchone()[0]
    return {name: count for name, count in left.items() if count}


def _dead_letters(running: product.Product) -> dict[str, int]:
    return {name: count for name, count in _depths(running).items() if "dead." in name and count}


def _depths(running: product.Product) -> dict[str, int]:
    """Messages in each queue of the product."""
    names = json.loads(running.ask("tests.faults.queues"))
    with Connection(running.settings["PREGON_AMQP_URL"]) as connection:
        channel = connection.default_channel
        return {name: channel.queue_declare(name, passive=True)[1] for name in names}


@contextmanager
def _database(running: product.Product, room: str) -> Iterator[Any]:
    namespace = running.settings["PREGON_NAMESPACE"]
    url = f"{running.settings['PREGON_DATABASE_URL']}/{namespace}_{room}"
    connection = psycopg2.connect(url)
    try:
        yield connection.cursor()
    finally:
        connection.close()
