"""The three kills, each in the middle of the step it hurts most."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_binary_file
from pathlib import Path

from infra.demo.play import STATES
from infra.demo.player import Json, PlayError, equal
from infra.native.run import Run
from infra.native.supervisor import Supervisor
from tests import product
from tests.faults.patience import PatientPlay

CONNECTIONS = 2  # the mailing worker's processes: at most one mail of each may be doubtful


class Stage:
    """A product, the play on it, and something to kill its parts with."""

    def __init__(self, running: product.Product) -> None:
        self.mail = Path(running.settings["PREGON_MAIL_CATCHER_DIR"])
        self.play = PatientPlay(running.address, running.passwords, self.mail)
        self.head = self.play.client("jefe")
        self._supervisor = Supervisor(Run(running.run_dir))

    def kill(self, part: str) -> None:
        """kill -9 of a part and its children; the supervisor starts it again."""
        name = next(name for name in self._supervisor.states() if name.endswith(f":{part}"))
        os.killpg(os.getpgid(self._supervisor.pid_of(name)), signal.SIGKILL)

    def create_campaign_killing(self, *parts: str) -> int:
        """The play's campaign, the parts killed while its audience is on its way."""
        count = self.head.post("/segments/count", json={"definition": EVERYBODY})["matching"]
        design = self.head.get("/designs", limit=1)["items"][0]["id"]
        campaign = self.head.post("/campaigns", json=CAMPAIGN | {"design_id": design})
        for part in parts:
            self.kill(part)
        path = f"/campaigns/{campaign['id']}/audience"
        audience = self.head.wait(path, lambda found: found["state"] == "ready", "audience")
        equal("counted", count, "expected", audience["expected"])
        equal("counted", count, "transferred", audience["transferred"])
        members = sum(1 for _ in self.head.pages(f"/campaigns/{campaign['id']}/members"))
        equal("counted", count, "members listed", members)
        self.play.figures["campaign"] = {"transferred": count}
        for phase in ("planned", "executing"):
            self.head.post(f"/campaigns/{campaign['id']}/phase", json={"phase": phase})
        number: int = campaign["id"]
        return number

    def mail_killing(self, campaign_id: int, *parts: str) -> Json:
        """Mail the campaign and kill the parts when some mails are out; returns the mailing."""
        mailing = self.head.post_when_heard("/mailings", json={"campaign_id": campaign_id})
        path = f"/mailings/{mailing['id']}"
        self.head.wait(path, lambda found: found["sent"] > 0, "first mails")
        for part in parts:
            self.kill(part)
        done = self.head.wait(path, lambda found: found["state"] == "finished", "mailing")
        skipped = sum(done["skipped"].values())
        states = sum(done[key] for key in STATES)
        equal("target", done["target"], "sum of the states", states + skipped)
        equal("target", done["target"], "audience", self.play.figures["campaign"]["transferred"])
        self._check_delivered(done)
        return done

    def _check_delivered(self, mailing: Json) -> None:
        """Nobody got it twice; sent ≤ delivered ≤ sent + doubtful."""
        got = Counter(_recipient(path) for path in (self.mail / "new").iterdir())
        twice = [address for address, count in got.items() if count > 1]
        if twice:
            raise PlayError(f"{len(twice)} people were mailed twice")
        delivered = sum(got.values())
        if not mailing["sent"] <= delivered <= mailing["sent"] + mailing["doubtful"]:
            raise PlayError(
                f"{delivered} delivered, {mailing['sent']} sent, {mailing['doubtful']} doubtful"
            )
        if mailing["doubtful"] > CONNECTIONS:
            raise PlayError(f"{mailing['doubtful']} doubtful, more than open connections")


EVERYBODY = {"all": [{"field": "age", "between": [18, 90]}]}
CAMPAIGN = {
    "name": "Prueba de fallas",
    "channels": ["mail", "phone"],
    "definition": EVERYBODY,
    "budget": "100.00",
    "mail_subject": "Prueba",
}


def mailing_worker() -> Json:
    """kill -9 of the mailing worker while it sends."""
    with _stage() as stage:
        stage.play.import_file(stage.head)
        campaign_id = stage.create_campaign_killing()
        done = stage.mail_killing(campaign_id, "worker-mailer")
        return _figures(done)


def campaign_service() -> Json:
    """kill -9 of the campaign room and worker while an audience is loaded, and while mailing."""
    with _stage() as stage:
        stage.play.import_file(stage.head)
        campaign_id = stage.create_campaign_killing("worker-campaign", "room-campaign")
        done = stage.mail_killing(campaign_id, "room-campaign")
        _wait_for_statistics(stage, campaign_id, done)
        return _figures(done)


def broker() -> Json:
    """kill -9 of RabbitMQ while an audience is loaded, and while mails go out."""
    with _stage() as stage:
        stage.play.import_file(stage.head)
        campaign_id = stage.create_campaign_killing("rabbitmq")
        done = stage.mail_killing(campaign_id, "rabbitmq")
        _wait_for_statistics(stage, campaign_id, done)
        return _figures(done)


def _wait_for_statistics(stage: Stage, campaign_id: int, mailing: Json) -> None:
    stage.head.wait(
        f"/campaigns/{campaign_id}/statistics",
        lambda found: found["mail"]["sent"] == mailing["sent"],
        "statistics",
    )


def _figures(mailing: Json) -> Json:
    return {key: mailing[key] for key in ("target", "sent", "failed", "skipped", "doubtful")}


@contextmanager
def _stage() -> Iterator[Stage]:
    with product.running() as running:
        yield Stage(running)


def _recipient(path: Path) -> str:
    with path.open("rb") as file:
        return str(message_from_binary_file(file)["To"])
