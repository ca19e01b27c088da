"""One click followed through the logs of every process that had a part in it."""

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
# What must come in this order: a door or job says that it has ended after its commit, when what it
# handed over may be on its way already.
BROUGHT = [
    [step for step in WAY if step[0] == "relay"],
    WAY[2:4],
    WAY[4:6],
    WAY[7:9],
]


def steps(product: Product, trace_id: str) -> list[tuple[str, str]]:
    """(process, what) of each log line with the id, in order of time."""
    found = []
    for log in Path(product.run_dir, "log").glob("*.log"):
        with log.open(errors="replace") as lines:
            found += list(trace.read(lines, trace_id))
    found.sort(key=lambda entry: entry["timestamp"])
    names = ("path", "door", "what", "job", "status")
    return [
        (entry["process"], str(next((entry[name] for name in names if name in entry), "")))
        for entry in found
    ]


def test_a_click_is_seen_from_the_page_to_the_last_job(product: Product, until: Any) -> None:
    answer = product.client("jefe").post("/campaigns", json=CAMPAIGN)
    trace_id = answer.headers["X-Trace-Id"]

    def whole_way() -> list[tuple[str, str]]:
        found = steps(product, trace_id)
        return found if set(WAY) <= set(found) else []

    found = until(whole_way)
    for brought in BROUGHT:
        order = [found.index(step) for step in brought]
        assert order == sorted(order)


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
    assert until(lambda: steps(product, "a" * 32))[0][0] == "soap"
