"""Settings, logs, trace and files."""

import io
import subprocess
import sys
import time

import pytest

from shared import files, log, trace
from shared.contract import Actor
from shared.errors import Denied, NotFound

ANA = Actor(user_id=1, username="ana", full_name="Ana", role="advisor")


def test_a_missing_setting_stops_the_start_and_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from shared.settings import settings; settings()"],
        env={"PREGON_SECRET_KEY": "short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PREGON_AMQP_URL" in done.stderr
    assert "PREGON_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_passwords_of_urls_are_blanked_in_logs() -> None:
    event = {"event": "retrying amqp://pregon:s3cr3t@a:5672, amqp://pregon:0th3r@b:5672"}
    text = str(log.hide_passwords(None, "info", event)["event"])
    assert "s3cr3t" not in text
    assert "0th3r" not in text
    assert "pregon" in text


def test_the_context_travels_in_headers_and_ends_with_its_block() -> None:
    with trace.use(trace_id="t", actor=ANA, idempotency_key="k"):
        headers = {
            name.removeprefix("nameko."): value for name, value in trace.to_call_headers(5).items()
        }
    with pytest.raises(Denied):
        trace.actor()
    with trace.from_headers(headers):
        assert (trace.trace_id(), trace.actor(), trace.idempotency_key()) == ("t", ANA, "k")
        assert 4 < trace.seconds_left(10) <= 5
    assert trace.trace_id() == ""


def test_a_call_is_late_after_its_deadline() -> None:
    assert trace.is_late({"deadline_ms": int(time.time() * 1000) - 1})
    assert not trace.is_late({"deadline_ms": int(time.time() * 1000) + 1000})
    assert not trace.is_late({})


def test_a_file_appears_whole_or_not_at_all() -> None:
    key = files.put(io.BytesIO(b"hola"), ".CSV")
    assert key.endswith(".csv")
    with files.open_key(key) as stream:
        assert stream.read() == b"hola"
    broken = files.new_key()
    with pytest.raises(ZeroDivisionError), files.create(broken) as target:  # noqa: PT012  # both
        target.write(b"half")
        raise ZeroDivisionError
    with pytest.raises(NotFound), files.open_key(broken):
        pass
    files.remove(key)
    files.remove(key)
    with pytest.raises(NotFound), files.open_key(key):
        pass


@pytest.mark.parametrize("key", ["../../etc/passwd", "aa/../../x", "", "/etc/passwd", "aa/x.csv"])
def test_a_key_is_never_a_path(key: str) -> None:
    with pytest.raises(NotFound), files.open_key(key):
        pass
