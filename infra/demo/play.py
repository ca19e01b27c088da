"""The main job, played through the public API as different users: `make demo`.

Every figure is checked against the others; the first that differs ends the play with exit code 1
and its name. The last line is one JSON object with all figures.
"""

import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from infra.demo import customers
from infra.native import credentials, environment
from infra.native.run import Run
from shared import clock
from shared.contracts.telemarketing import CallResult

GOOD, BAD = 5000, 50
ADVISORS = ("asesor1", "asesor2")
ASSIGNED = 200
CALLS_EACH = 10
WAIT_SECONDS = 180.0
HEARD_SECONDS = 20.0  # for a room to hear of what another one did
POLL_SECONDS = 0.2
SEED_STEP = 750  # seeds this far apart share no person
RESULTS = (
    CallResult.ACCEPTED,
    CallResult.CALLBACK,
    CallResult.NO_ANSWER,
    CallResult.INTERESTED,
    CallResult.NOT_INTERESTED,
    CallResult.BUSY,
    CallResult.VOICEMAIL,
)
SEGMENT = {
    "all": [
        {"field": "gender", "in": ["F"]},
        {"field": "age", "between": [25, 60]},
        {"field": "province", "in": ["17", "09"]},
        {"field": "income", "between": [300, 2500]},
    ]
}
Json = dict[str, Any]


class PlayError(Exception):
    """A step that failed or a figure that differs; its text names it."""


class Client:
    """A user of the API, logged in."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{address}/api/v1", timeout=30)
        token = self.post("/token", data={"username": username, "password": password})
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """A resource."""
        return self._send(lambda: self._http.get(path, params=params))

    def post(self, path: str, **content: Any) -> Any:
        """Create or do something, once: sent with an idempotency key. None for 204."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._send(lambda: self._http.post(path, headers=headers, **content))

    def put(self, path: str, **content: Any) -> Any:
        """Replace a resource."""
        return self._send(lambda: self._http.put(path, **content))

    def wait(self, path: str, done: Callable[[Json], bool], what: str) -> Json:
        """Ask until it is so, showing the progress. Raises PlayError when it takes too long."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found: Json = self.get(path)
            if done(found):
                return found
            if time.monotonic() > deadline:
                raise PlayError(f"{what}: not done after {WAIT_SECONDS:.0f} s: {found}")
            time.sleep(POLL_SECONDS)

    def _send(self, request: Callable[[], httpx.Response]) -> Any:
        return self._answer(request())

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise PlayError(
                f"{response.request.method} {response.request.url.path}: "
                f"{response.status_code} {response.text}"
            )
        return response.json() if response.content else None


@dataclass
class Play:
    """The play and the figures it has seen."""

    address: str
    passwords: Mapping[str, str]
    mail_folder: Path
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
        head, supervisor = self.client("jefe"), self.client("supervisor")
        self.import_file(head)
        campaign_id = self.create_campaign(head)
        self.mail(head, campaign_id)
        self.mail_monthly(head, campaign_id)
        self.assign(supervisor, campaign_id)
        results = self.call(campaign_id)
        self.read_statistics(head, campaign_id, results)

    def import_file(self, head: Client) -> None:
        """A fresh file with some bad rows: file = created + rejected."""
        say(f"Importing a fresh file of {GOOD:,} customers and {BAD} bad rows")
        earlier = head.get("/customers/imports", limit=1)["items"]
        seed = 2000 + SEED_STEP * (earlier[0]["id"] if earlier else 0)
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            customers.write_file(file.name, good=GOOD, bad=BAD, seed=seed)
            upload = {"file": ("clientes.csv", Path(file.name).read_bytes(), "text/csv")}
            job = head.post("/customers/imports", files=upload)
        done = head.wait(
            f"/customers/imports/{job['id']}",
            lambda found: found["state"] in {"done", "failed"},
            "import",
        )
        self.equal("rows in the file", GOOD + BAD, "rows read", done["read"])
        self.equal("bad rows", BAD, "rows rejected", done["rejected"])
        self.equal(
            "rows read", done["read"], "created + rejected", done["created"] + done["rejected"]
        )
        self.figures["import"] = {
            key: done[key] for key in ("read", "created", "updated", "rejected")
        }

    def create_campaign(self, head: Client) -> int:
        """Count a segment, make a campaign of it, transfer its audience, start it."""
        count = head.post("/segments/count", json={"definition": SEGMENT})
        say(f"The segment holds {count['matching']:,} customers")
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
        audience = head.wait(
            f"/campaigns/{number}/audience", lambda found: found["state"] == "ready", "audience"
        )
        say(f"Campaign {number}: {audience['transferred']:,} customers transferred")
        self.equal(
            "customers counted", count["matching"], "customers transferred", audience["transferred"]
        )
        self.equal(
            "customers expected",
            audience["expected"],
            "customers transferred",
            audience["transferred"],
        )
        for phase in ("planned", "executing"):
            head.post(f"/campaigns/{number}/phase", json={"phase": phase, "reason": ""})
        self.figures["campaign"] = {
            "id": number,
            "counted": count["matching"],
            "transferred": audience["transferred"],
        }
        return number

    def mail(self, head: Client, campaign_id: int) -> None:
        """Mail the campaign now: target = sum of the states = mails delivered + the others."""
        before = self._count_mails()
        mailing = self._eventually(
            lambda: head.post("/mailings", json={"campaign_id": campaign_id})
        )
        done = self._finished(head, mailing["id"])
        skipped = sum(done["skipped"].values())
        say(f"Mailing {mailing['id']}: {done['sent']:,} sent, {skipped:,} skipped")
        states = sum(done[key] for key in ("pending", "sending", "sent", "failed", "doubtful"))
        self.equal("mailing's target", done["target"], "sum of its states", states + skipped)
        self.equal(
            "mailing's target",
            done["target"],
            "campaign's audience",
            self.figures["campaign"]["transferred"],
        )
        delivered = self._count_mails() - before
        self.equal(
            "mailing's target",
            done["target"],
            "mails in the catch-all + skipped",
            delivered + skipped,
        )
        self.figures["mailing"] = {
            "id": mailing["id"],
            "delivered": delivered,
            **{key: done[key] for key in ("target", "sent", "failed", "skipped", "doubtful")},
        }

    def mail_monthly(self, head: Client, campaign_id: int) -> None:
        """The monthly job twice: the second time it does nothing."""
        schedule = head.get("/mailings/monthly/schedule")
        selected = sorted({*schedule["campaign_ids"], campaign_id})
        head.put("/mailings/monthly/schedule", json=schedule | {"campaign_ids": selected})
        first, second = (
            {item["campaign_id"]: item for item in head.post("/mailings/monthly", json={})}
            for _ in range(2)
        )
        if not first[campaign_id]["started"]:
            raise PlayError("the monthly job did not start the campaign's run")
        if any(item["started"] for item in second.values()):
            raise PlayError("the monthly job started a run twice")
        self.equal(
            "monthly run",
            first[campaign_id]["mailing_id"],
            "the same run",
            second[campaign_id]["mailing_id"],
        )
        done = self._finished(head, first[campaign_id]["mailing_id"])
        runs = head.get("/mailings", campaign_id=campaign_id, limit=50)["items"]
        monthly = [item for item in runs if item["kind"] == "monthly"]
        self.equal("monthly runs of the campaign", 1, "runs listed", len(monthly))
        say(f"Monthly run {done['id']}: {done['sent']:,} sent; a second start did nothing")
        self.figures["monthly"] = {
            "id": done["id"],
            "target": done["target"],
            "sent": done["sent"],
            "started_again": 0,
        }

    def assign(self, supervisor: Client, campaign_id: int) -> None:
        """Share customers out to two advisors."""
        given = self._eventually(
            lambda: supervisor.post(
                f"/campaigns/{campaign_id}/assignments",
                json={
                    "advisors": list(ADVISORS),
                    "per_advisor": ASSIGNED // len(ADVISORS),
                    "strategy": "equal",
                },
            )
        )
        say(f"Assigned: {given['by_advisor']}")
        self.equal("customers to assign", ASSIGNED, "assigned", sum(given["by_advisor"].values()))
        self.figures["assigned"] = given["by_advisor"]

    def call(self, campaign_id: int) -> dict[str, int]:
        """Each advisor takes customers, checks their risk and records results."""
        counts: dict[str, int] = {}
        seen: set[int] = set()
        risks: dict[str, int] = {}
        for username in ADVISORS:
            advisor = self.client(username)
            results = cycle(RESULTS)
            done = 0
            while done < CALLS_EACH:
                lease = advisor.post("/calls/next")
                if lease is None:
                    raise PlayError(f"{username} has nobody to call")
                customer_id = lease["customer"]["customer_id"]
                risk = advisor.post(f"/customers/{customer_id}/risk-checks")
                risks[risk["state"]] = risks.get(risk["state"], 0) + 1
                result = next(results)
                advisor.post("/calls", json=self._call(lease, result))
                if lease["campaign_id"] != campaign_id:
                    continue  # an earlier campaign's customer whose turn it was
                if customer_id in seen:
                    raise PlayError(f"customer {customer_id} was given to two advisors")
                seen.add(customer_id)
                counts[result.value] = counts.get(result.value, 0) + 1
                done += 1
        say(f"Calls: {counts}; risk checks: {risks}")
        if risks.get("unavailable"):
            raise PlayError("risk central did not answer")
        self.figures["calls"] = counts
        self.figures["risk_checks"] = risks
        return counts

    def read_statistics(self, head: Client, campaign_id: int, results: Mapping[str, int]) -> None:
        """The figures of the campaign's page are those of the work."""
        sent = self.figures["mailing"]["sent"] + self.figures["monthly"]["sent"]
        found = head.wait(
            f"/campaigns/{campaign_id}/statistics",
            lambda got: got["calls"] >= sum(results.values()) and got["mail"]["sent"] >= sent,
            "statistics",
        )
        shown = {item["key"]: item["count"] for item in found["by_result"]}
        self.equal(
            "results recorded",
            dict(sorted(results.items())),
            "statistics",
            dict(sorted(shown.items())),
        )
        self.equal("mails sent", sent, "statistics", found["mail"]["sent"])
        on_the_map = sum(item["audience"] for item in found["by_province"])
        self.equal(
            "audience on the map",
            on_the_map,
            "customers transferred",
            head.get(f"/campaigns/{campaign_id}/audience")["transferred"],
        )
        self.figures["statistics"] = {
            "calls": found["calls"],
            "mail_sent": found["mail"]["sent"],
            "accepted": found["accepted"],
            "contacted": found["contacted"],
        }
        say("The statistics agree")

    def equal(self, one: str, first: Any, other: str, second: Any) -> None:
        """Raises PlayError naming two figures that differ."""
        if first != second:
            raise PlayError(f"{one} = {first}, but {other} = {second}")

    def _call(self, lease: Json, result: CallResult) -> Json:
        call: Json = {"lease_id": lease["lease_id"], "result": result, "note": "Demostración"}
        if result is CallResult.CALLBACK:
            call["callback_at"] = (clock.now() + timedelta(days=1)).isoformat()
        return call

    def _finished(self, head: Client, mailing_id: int) -> Json:
        return head.wait(
            f"/mailings/{mailing_id}",
            lambda found: found["state"] in {"finished", "failed", "cancelled"},
            "mailing",
        )

    def _count_mails(self) -> int:
        new = self.mail_folder / "new"
        return sum(1 for _ in os.scandir(new)) if new.exists() else 0

    def _eventually(self, ask: Callable[[], Json]) -> Json:
        """Ask again while the other room has not heard of the campaign's start yet."""
        deadline = time.monotonic() + HEARD_SECONDS
        while True:
            try:
                return ask()
            except PlayError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)


def say(step: str) -> None:
    """A line of progress."""
    print(f"▸ {step}", flush=True)


def main() -> None:
    """Play against the running product."""
    users = credentials.read(Run.of(environment.given()))
    play = Play(
        os.environ["PREGON_PUBLIC_URL"],
        {name: user["password"] for name, user in users.items()},
        Path(os.environ["PREGON_MAIL_CATCHER_DIR"]),
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
