"""Numbers that the documents promise of the kit, and what a log may quote of an error."""

from shared import faults, inbox, job, waiting
from shared.relay import CONFIRM_SECONDS
from shared.settings import Settings


def test_a_job_waits_five_times_a_quarter_of_an_hour_in_all() -> None:
    assert job.WAITS == (5, 5, 60, 60, 600)
    assert set(job.WAITS) <= set(waiting.SECONDS)
    assert job.END_WAIT in waiting.SECONDS


def test_a_job_takes_five_processes_with_it_and_is_delivered_twenty_times() -> None:
    assert job.MAX_LOSSES == 5
    assert job.MAX_DELIVERIES < job.DELIVERY_LIMIT == 20


def test_what_waits_comes_back_after_so_many_seconds() -> None:
    for seconds in waiting.SECONDS:
        arguments = waiting.queue(seconds).queue_arguments
        assert arguments["x-message-ttl"] == seconds * 1000
        assert arguments["x-dead-letter-exchange"] == ""


def test_a_job_may_take_25_minutes_and_two_gigabytes_and_is_missed_after_an_hour() -> None:
    assert Settings.model_fields["job_seconds"].default == 25 * 60
    assert Settings.model_fields["job_memory_mb"].default == 2048
    assert Settings.model_fields["job_overdue_seconds"].default == 60 * 60


def test_deliveries_are_remembered_for_longer_than_any_of_them_can_take() -> None:
    assert inbox.KEEP_DAYS == 30


def test_a_broker_that_takes_nothing_is_waited_for_twenty_seconds() -> None:
    assert CONFIRM_SECONDS == 20


def test_logs_name_an_error_and_quote_none_of_its_rows() -> None:
    error = ValueError("duplicate key\nDETAIL: Key (cedula)=(1710034065) exists.")
    assert faults.brief(error) == "ValueError: duplicate key"
    assert faults.brief(ValueError()) == "ValueError"
    assert len(faults.brief(ValueError("x" * 1000))) == 300
