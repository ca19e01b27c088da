"""One click followed through the logs of every process that had a part in it."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from infra import trace
from tests.product import Product

EVERYBODY: dict[str, Any] = {"all": []}
CAMPAIGN = {"name": "Rastro", "channels": ["phone"], "definition": EVERYBODY, "budget": "100.00"}
WAY = [
    ("gateway", "/api/v1/campaigns"),
    ("campaign", "campaign.create_campaign"),
    ("relay", "audience_requested"),
    ("customer_query", "customer_query.on_audience_requested"),
    ("relay", "customer_query.export_segment"),
    ("worker customer_query", "customer_query.export_segment"),
    ("worker campaign", "campaign.load_audience_chunk"),
    ("relay", "campaign.complete_audience"),
    ("worker campaign", "campaign.complete_audience"),
]


def entries(product: Product, trace_id: str) -> list[dict[str, Any]]:
    """The log lines with the id, in order of time."""
    found: list[dict[str, Any]] = []
    for log in Path(product.run_dir, "log").glob("*.log"):
        with log.open(errors="replace") as lines:
            found += list(trace.read(lines, trace_id))
    return sorted(found, key=lambda entry: str(entry["timestamp"]))


def step_of(entry: dict[str, Any]) -> tuple[str, str]:
    names = ("path", "door", "what", "job", "status")
    return entry["process"], str(next((entry[name] for name in names if name in entry), ""))


def ended(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(entry["timestamp"]))


def began(entry: dict[str, Any]) -> datetime:
    """A door or a job writes its line at the end, when what it handed over may be out already."""
    seconds = entry.get("seconds", entry.get("milliseconds", 0) / 1000)
    return ended(entry) - timedelta(seconds=seconds, milliseconds=1)


def test_a_click_is_seen_from_the_page_to_the_last_job(product: Product, until: Any) -> None:
    answer = product.client("jefe").post("/campaigns", json=CAMPAIGN)
    trace_id = answer.headers["X-Trace-Id"]

    def whole_way() -> dict[tuple[str, str], dict[str, Any]]:
        found = {step_of(entry): entry for entry in reversed(entries(product, trace_id))}
        return found if set(WAY) <= set(found) else {}

    found = until(whole_way)
    way = [found[step] for step in WAY]
    for earlier, later in pairwise(way):
        assert began(earlier) < ended(later), (step_of(earlier), step_of(later))
    relays = [ended(entry) for entry in way if entry["process"] == "relay"]
    assert relays == sorted(relays)


def test_the_bureau_says_under_which_click_it_was_asked(product: Product, until: Any) -> None:
    soap = product.settings["PREGON_SOAP_URL"]
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<r:GetRiskByCedula xmlns:r="urn:pregon:risk-central:v1">'
        "<r:cedula>1710034065</r:cedula></r:GetRiskByCedula></e:Body></e:Envelope>"
    )
    httpx.post(
        soap,
        content=body,
        auth=("soap", product.settings["PREGON_SOAP_PASSWORD"]),
        headers={"Content-Type": "text/xml", "X-Trace-Id": "a" * 32},
    )
    assert until(lambda: entries(product, "a" * 32))[0]["process"] == "soap"
