"""A drawn part of the odd messages that `make hostile ONLY=soap_messages` sends in full."""

import random

import httpx
import pytest
from redis import Redis

from services.risk_central import envelope
from services.risk_central.answers import Answers
from tests.hostile import soap_messages
from tests.hostile.tally import Tally
from tests.soap.people import PASSWORD, USER

TENTHS = 5


def test_odd_messages_break_nothing(server: str, bureau: Redis) -> None:
    seed, tally = random.randrange(1_000_000), Tally("soap_messages")
    with httpx.Client(auth=(USER, PASSWORD), timeout=30, trust_env=False) as client:
        soap_messages.strike(client, f"{server}/risk-central", tally, TENTHS, seed)
    assert tally.is_standing, f"SEED={seed}: {tally.line()}"
    assert tally.tried > 500
    assert tally.accepted > 20


@pytest.mark.parametrize("version", [envelope.SOAP_11, envelope.SOAP_12], ids=["1.1", "1.2"])
def test_no_odd_message_falls_over_in_spyne(
    bureau: Redis, version: envelope.Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What gets through the bounds is a question by the WSDL, or one refused in our words."""
    answers = Answers(bureau, version)
    monkeypatch.setattr("services.risk_central.answers.logger.exception", pytest.fail)
    for message in soap_messages.messages(version.namespace):
        status, reply = answers.reply(message.body)
        assert status in (200, 400, 500)
        assert b"Internal" not in reply, message.what
