"""The main job, played through the public API as different users: `make demo`.

Every figure that is printed is compared with another one; the first that differs, and any error
of the product, ends the play with exit code 1 and its name. The last line is one JSON object with
all figures.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from infra.demo import customers, record, risk
from infra.demo.generate_file import Row, write_rows
from infra.demo.player import Client, Json, PlayError, equal, say
from infra.demo.record import Calls
from infra.demo.seed import CUSTOMERS, SEED
from infra.native import credentials, environment
from infra.native.run import Run
from shared import clock
from shared.contracts.telemarketing import CallResult

GOOD, BAD = 5000, 50
ADVISORS = ("asesor1", "asesor2")
ASSIGNED = 200
CALLS_EACH = 10
SEED_STEP = 750  # seeds this far apart share no person
STATES = ("pending", "sending", "sent", "failed", "doubtful", "cancelled")
RESULTS = (
    CallResult.ACCEPTED,
    CallResult.CALLBACK,
    CallResult.NO_ANSWER,
    CallResult.INTERESTED,
    CallResult.NOT_INTERESTED,
    CallResult.BUSY,
    CallResult.VOICEMAIL,
)
REACHED = {
    CallResult.ACCEPTED,
    CallResult.CALLBACK,
    CallResult.INTERESTED,
    CallResult.NOT_INTERESTED,
}
SEGMENT = {
    "all": [
        {"field": "gender", "in": ["F"]},
        {"field": "age", "between": [25, 60]},
        {"field": "province", "in": ["17", "09"]},
        {"field": "income", "between": [300, 2500]},
    ]
}


@dataclass
class Play:
    """The play and the figures it has seen."""

    address: str
    passwords: Mapping[str, str]
    mail_folder: Path | None  # of the catch-all; None where mail goes to a server of one's own
    figures: Json = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    def client(self, username: str) -> Client:
        """A logged-in user."""
        self.clients.append(Client(self.address, username, self.passwords[username]))
        return self.clients[-1]

    def run(self) -> None:
        """All steps in their order."""
        try:
            self._run()
        finally:
            for client in self.clients:
                client.close()

    def _run(self) -> None:
        head, supervisor, admin = map(self.client, ("jefe", "supervisor", "admin"))
        people = self.import_file(head)
        self.load_risks(admin, people)
        campaign_id = self.create_campaign(head)
        self.mail(head, campaign_id)
        self.mail_monthly(head, campaign_id)
        self.assign(supervisor, campaign_id)
        began = clock.now()
        calls = self.call(campaign_id)
        self.check_record(admin, began, calls)
        self.read_statistics(head, campaign_id, calls)

    def import_file(self, head: Client) -> list[Row]:
        """A fresh file with some bad rows: file = created + rejected. Gives its good rows."""
        say(f"Importing a fresh file of {GOOD:,} customers and {BAD} bad rows")
        earlier = head.get("/customers/imports", limit=1)["items"]
        seed = 2000 + SEED_STEP * (earlier[0]["id"] if earlier else 0)
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            customers.write_file(file.name, good=GOOD, bad=BAD, seed=seed)
            upload = {"file": ("clientes.csv", Path(file.name).read_bytes(), "text/csv")}
            job = head.post("/customers/imports", files=upload)
        done = self._ended(head, f"/customers/imports/{job['id']}", "done", {"failed"})
        equal("rows in the file", GOOD + BAD, "rows read", done["read"])
        equal("bad rows", BAD, "rows rejected", done["rejected"])
        equal("good rows", GOOD, "customers created", done["created"])
        equal("customers updated", done["updated"], "nobody", 0)
        self.figures["import"] = {
            key: done[key] for key in ("read", "created", "updated", "rejected")
        }
        return list(customers.customers(GOOD, seed))

    def load_risks(self, admin: Client, people: list[Row]) -> None:
        """What the bureau knows of them: two of three."""
        known = [person for person in people if in_risk_file(person["cedula"])]
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            rows = risk.risk_rows(known, known_share=1)
            write_rows(file.name, risk.COLUMNS, rows, total=len(known))
            upload = {"file": ("riesgos.csv", Path(file.name).read_bytes(), "text/csv")}
            load = admin.post("/risk-loads", files=upload)
        done = self._ended(admin, f"/risk-loads/{load['id']}", "done", {"failed"})
        say(f"Risk file: {done['created']:,} persons")
        equal("persons in the risk file", len(known), "persons loaded", done["created"])
        self.figures["risk_load"] = done["created"]

    def create_campaign(self, head: Client) -> int:
        """Count a segment, make a campaign of it, transfer its audience, start it."""
        count = head.post("/segments/count", json={"definition": SEGMENT})
        design = head.get("/designs", limit=1)["items"][0]["id"]
        campaign = head.post(
            "/campaigns",
            json={
                "name": f"Demostración {clock.now():%Y-%m-%d %H:%M:%S}",
                "goal": "Recorrer el trabajo principal",
                "channels": ["mail", "phone"],
                "definition": SEGMENT,
                "budget": "1500.00",
                "expected_revenue": "6000.00",
                "design_id": design,
                "mail_subject": "Una propuesta para usted",
                "script": "Salude y presente la propuesta.",
            },
        )
        number: int = campaign["id"]
        head.post(f"/campaigns/{number}/audience")
        audience = self._ended(head, f"/campaigns/{number}/audience", "ready", {"failed"})
        say(f"Campaign {number}: {audience['transferred']:,} customers transferred")
        counted, transferred = count["matching"], audience["transferred"]
        equal("customers counted", counted, "customers transferred", transferred)
        equal("customers expected", audience["expected"], "customers transferred", transferred)
        for channel in ("mail", "phone"):
            told = audience[f"reachable_{channel}"] + sum(audience[f"blocked_{channel}"].values())
            equal(f"audience by {channel}", told + audience["control"], "customers", transferred)
        for phase in ("planned", "executing"):
            head.post(f"/campaigns/{number}/phase", json={"phase": phase, "reason": ""})
        self.figures["campaign"] = {"id": number, "counted": counted, "transferred": transferred}
        return number

    def mail(self, head: Client, campaign_id: int) -> None:
        """Mail the campaign now."""
        before = self._count_mails()
        mailing = head.post_when_heard("/mailings", json={"campaign_id": campaign_id})
        self.figures["mailing"] = self._check_mailing(head, mailing["id"], campaign_id, before)

    def mail_monthly(self, head: Client, campaign_id: int) -> None:
        """The monthly run by the job that beat sends; later starts do nothing."""
        schedule = head.get("/mailings/monthly/schedule")
        selected = sorted({*schedule["campaign_ids"], campaign_id})
        due = {"day": 1, "hour": 0, "campaign_ids": selected}
        head.put("/mailings/monthly/schedule", json=due)
        before = self._count_mails()
        try:
            run = self._start_by_beat(head, campaign_id)
            again = head.post("/mailings/monthly", json={})
        finally:
            restored = schedule | {"campaign_ids": selected, "version": None}  # over our own
            head.put("/mailings/monthly/schedule", json=restored)
        if any(item["started"] for item in again):
            raise PlayError("the monthly job started a run twice")
        named = {item["campaign_id"]: item["mailing_id"] for item in again}
        equal("monthly run", run["id"], "the same run", named[campaign_id])
        self.figures["monthly"] = self._check_mailing(head, run["id"], campaign_id, before)
        runs = len(self._monthly(head, campaign_id))
        equal("monthly runs of the campaign", 1, "runs listed", runs)
        say("A second start of the month did nothing")

    def _start_by_beat(self, head: Client, campaign_id: int) -> Json:
        """As beat does every ten minutes, until the mailer has heard of the campaign's start."""
        from shared import jobs, outbox, trace  # they need the settings of a product

        send = partial(jobs.app.send_task, "mailer.run_monthly_schedule")

        def found(page: Json) -> bool:
            if any(item["kind"] == "monthly" for item in page["items"]):
                return True
            send(queue=outbox.job_queue_name("mailer"), headers={"trace": trace.to_headers()})
            time.sleep(1)
            return False

        head.wait("/mailings", found, "monthly run", campaign_id=campaign_id)
        return self._monthly(head, campaign_id)[0]

    def _monthly(self, head: Client, campaign_id: int) -> list[Json]:
        runs = head.pages("/mailings", campaign_id=campaign_id)
        return [item for item in runs if item["kind"] == "monthly"]

    def _check_mailing(
        self, head: Client, mailing_id: int, campaign_id: int, before: int | None
    ) -> Json:
        """Wait for its end: target = audience = sum of the states, sent = mails delivered."""
        done = self._ended(head, f"/mailings/{mailing_id}", "finished", {"failed", "cancelled"})
        skipped = sum(done["skipped"].values())
        say(f"Mailing {mailing_id} ({done['kind']}): {done['sent']:,} sent, {skipped:,} skipped")
        audience = head.get(f"/campaigns/{campaign_id}/audience")["transferred"]
        states = sum(done[key] for key in STATES)
        equal("mailing's target", done["target"], "sum of its states", states + skipped)
        equal("mailing's target", done["target"], "campaign's audience", audience)
        for state in ("pending", "sending", "failed", "doubtful", "cancelled"):
            equal(state, done[state], "nobody", 0)
        listed = Counter(item["state"] for item in head.pages(f"/mailings/{mailing_id}/recipients"))
        equal("mails sent", done["sent"], "recipients listed as sent", listed["sent"])
        equal("people skipped", skipped, "recipients listed as skipped", listed["skipped"])
        if before is not None and (now := self._count_mails()) is not None:
            equal("mails sent", done["sent"], "mails in the catch-all", now - before)
        shown = ("id", "target", "sent", "failed", "skipped", "doubtful", "cancelled")
        return {key: done[key] for key in shown}

    def assign(self, supervisor: Client, campaign_id: int) -> None:
        """Share customers out to two advisors."""
        each = ASSIGNED // len(ADVISORS)
        given = supervisor.post_when_heard(
            f"/campaigns/{campaign_id}/assignments",
            json={"advisors": list(ADVISORS), "per_advisor": each, "strategy": "equal"},
        )
        say(f"Assigned: {given['by_advisor']}")
        equal("asked", dict.fromkeys(ADVISORS, each), "assigned", given["by_advisor"])
        listed = supervisor.pages("/assignments", campaign_id=campaign_id)
        shown = {item["advisor"]: item["assigned"] for item in listed}
        equal("assigned", given["by_advisor"], "assignments listed", shown)
        self.figures["assigned"] = given["by_advisor"]

    def call(self, campaign_id: int) -> Calls:
        """Each advisor takes customers, checks their risk and records results."""
        calls, known = Calls(), seeded_risks()
        for username in ADVISORS:
            advisor, results = self.client(username), cycle(RESULTS)
            while calls.by_advisor[username] < CALLS_EACH:
                self._call_next(advisor, username, campaign_id, next(results), calls, known)
        say(f"Calls: {dict(calls.results)}; risk checks: {dict(calls.risks)}")
        if set(calls.risks) != {"known", "unknown"}:
            raise PlayError("the risk checks showed nobody known, or nobody unknown")
        self.figures["calls"] = dict(calls.results)
        self.figures["risk_checks"] = dict(calls.risks)
        return calls

    def check_record(self, admin: Client, since: datetime, calls: Calls) -> None:
        """Each advisor opens one of the own customers and none of another's, on record."""
        record.see_own_and_stranger({name: self.client(name) for name in calls.last}, calls.last)
        for looks in calls.looks.values():
            looks["profile_seen"] += 1
            looks["revealed"] += 1
        record.count_looks(admin, since, calls.looks)

    def _call_next(
        self,
        advisor: Client,
        username: str,
        campaign_id: int,
        result: CallResult,
        calls: Calls,
        known: Mapping[str, bool],
    ) -> None:
        lease = advisor.post("/calls/next")
        if lease is None:
            raise PlayError(f"{username} has nobody to call")
        person = lease["customer"]
        checks = f"/customers/{person['customer_id']}/risk-checks"
        checked = advisor.post(checks, params={"purpose": "sale"})
        calls.looks[username]["risk_checked"] += 1
        calls.last[username] = person["customer_id"]
        cedula = self._cedula_of(person["customer_id"])
        expected = known.get(cedula, in_risk_file(cedula))
        equal("the files' word", "known" if expected else "unknown", "bureau's", checked["state"])
        advisor.post("/calls", json=self._call(lease, result))
        if lease["campaign_id"] != campaign_id:
            return  # an earlier campaign's customer whose turn it was
        if person["customer_id"] in calls.called:
            raise PlayError(f"customer {person['customer_id']} was given to two advisors")
        calls.called.add(person["customer_id"])
        calls.by_advisor[username] += 1
        calls.results[result.value] += 1
        calls.risks[checked["state"]] += 1
        if result in REACHED:
            calls.reached.add(person["customer_id"])

    def _cedula_of(self, customer_id: int) -> str:
        """Whole, as backoffice sees it; the desk shows an advisor a part of it."""
        found: str = self.client("backoffice").get(f"/customers/{customer_id}")["cedula"]
        return found

    def read_statistics(self, head: Client, campaign_id: int, calls: Calls) -> None:
        """The figures of the campaign's page are those of the work."""
        runs = [self.figures["mailing"], self.figures["monthly"]]
        sent = sum(run["sent"] for run in runs)
        made = calls.results.total()
        found = head.wait(
            f"/campaigns/{campaign_id}/statistics",
            lambda got: got["calls"] >= made and got["mail"]["sent"] >= sent,
            "statistics",
        )
        equal("results recorded", dict(calls.results), "statistics", _counts(found["by_result"]))
        by_advisor = _counts(found["by_advisor"])
        equal("calls by advisor", dict(calls.by_advisor), "statistics", by_advisor)
        equal("calls made", made, "statistics", found["calls"])
        equal("mails sent", sent, "statistics", found["mail"]["sent"])
        accepted = calls.results[CallResult.ACCEPTED.value]
        equal("people who accepted", accepted, "statistics", found["accepted"])
        mailed = {
            item["customer_id"]
            for run in runs
            for item in head.pages(f"/mailings/{run['id']}/recipients", state="sent")
        }
        contacted = len(mailed | calls.reached)
        equal("people mailed or spoken to", contacted, "statistics", found["contacted"])
        on_the_map = sum(item["audience"] for item in found["by_province"])
        transferred = head.get(f"/campaigns/{campaign_id}/audience")["transferred"]
        equal("audience on the map", on_the_map, "customers transferred", transferred)
        self.figures["statistics"] = {
            "calls": found["calls"],
            "mail_sent": found["mail"]["sent"],
            "accepted": found["accepted"],
            "contacted": found["contacted"],
        }
        say("The statistics agree")

    def _call(self, lease: Json, result: CallResult) -> Json:
        call: Json = {"lease_id": lease["lease_id"], "result": result, "note": "Demostración"}
        if result is CallResult.CALLBACK:
            call["callback_at"] = (clock.now() + timedelta(days=1)).isoformat()
        return call

    def _ended(self, client: Client, path: str, well: str, badly: set[str]) -> Json:
        """Wait for an end. Raises PlayError when it is a bad one."""
        done = client.wait(path, lambda found: found["state"] in {well, *badly}, path)
        if done["state"] != well:
            raise PlayError(f"{path} ended as {done['state']}: {done.get('error')}")
        return done

    def _count_mails(self) -> int | None:
        """Mails in the catch-all; None where there is none."""
        if self.mail_folder is None:
            return None
        new = self.mail_folder / "new"
        return sum(1 for _ in os.scandir(new)) if new.exists() else 0


def in_risk_file(cedula: str) -> bool:
    """Whether a play's risk file names one of its people: always the same two of three."""
    return int(cedula) % 3 != 0


def seeded_risks() -> dict[str, bool]:
    """Whether the bureau knows a customer of the demo's first data."""
    people = list(customers.customers(CUSTOMERS, SEED))
    known = {row["cedula"] for row in risk.risk_rows(people, SEED)}
    return {person["cedula"]: person["cedula"] in known for person in people}


def _counts(items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {item["key"]: item["count"] for item in items}


def main() -> None:
    """Play against the running product."""
    users = credentials.read(Run.of(environment.given()))
    folder = os.environ.get("PREGON_MAIL_CATCHER_DIR")
    play = Play(
        os.environ["PREGON_PUBLIC_URL"],
        {name: user["password"] for name, user in users.items()},
        Path(folder) if folder else None,
    )
    started = time.monotonic()
    try:
        play.run()
    except PlayError as error:
        sys.exit(f"✗ {error}")
    play.figures["seconds"] = round(time.monotonic() - started, 1)
    print(f"\nThe product stays up: {play.address}")
    print(json.dumps(play.figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
