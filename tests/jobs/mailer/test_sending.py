"""Sending: everybody once, every answer written down, and a stop that stops."""

import socket
import ssl
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.mailer import contacts, jobs, mailings
from services.mailer.smtp import Line
from shared import clock
from shared.contracts.mailer import MailingState
from shared.settings import settings
from tests.jobs.mailer.conftest import Mailer, Once, Post, people, person


@pytest.mark.parametrize("pipelining", [True, False])
def test_everybody_gets_one_mail_and_the_run_finishes(
    mailer: Mailer, post: Post, pipelining: bool
) -> None:
    post.pipelining = pipelining
    run = mailer.create(people(450))
    mailer.drain()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in range(1, 451))
    shown = mailer.shown(run)
    assert (shown.state, shown.sent, shown.target) == (MailingState.FINISHED, 450, 450)
    assert shown.finished_at is not None


def test_a_line_in_the_open_waits_for_nothing_it_does_not_need(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for certificates nor, with the last piece of a mail, for the server's word."""
    monkeypatch.setattr(ssl, "create_default_context", None)
    line = Line()
    assert line._smtp.sock is not None
    assert line._smtp.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    line.close()


def test_mails_are_personal_and_carry_the_unsubscribe_link(mailer: Mailer, post: Post) -> None:
    mailer.create([person(1, first_names="Íñigo José")])
    mailer.drain()
    message = post.message()
    assert message["Subject"] == "Hola Íñigo"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    html = message.get_body(("html",))
    assert html is not None
    assert message["List-Unsubscribe"].partition(">")[0].strip("<") in html.get_content()


def test_lines_that_begin_with_a_dot_arrive_whole(mailer: Mailer, post: Post) -> None:
    mailer.create(people(1), subject="..")
    mailer.execute("UPDATE design SET text = E'.\\n..a\\n.'")
    mailer.drain()
    text = post.message().get_body(("plain",))
    assert text is not None
    assert text.get_content().split() == [".", "..a", "."]


def test_outcomes_are_announced_once_each_and_the_end_too(mailer: Mailer, post: Post) -> None:
    post.refuse["c3@correo.example"] = "550 unknown"
    run = mailer.create(people(5))
    mailer.drain()
    events = mailer.events("mailing_progressed")
    outcomes = [item for event in events for item in event["outcomes"]]
    assert sorted(item["customer_id"] for item in outcomes) == [1, 2, 3, 4, 5]
    assert Counter(item["state"] for item in outcomes) == {"sent": 4, "failed": 1}
    assert mailer.events("mailing_changed")[-1] == {
        "mailing_id": run,
        "campaign_id": 1,
        "state": "finished",
        "target": 5,
        "version": 2,
    }


@pytest.mark.parametrize("pipelining", [True, False])
def test_refusal_for_good_is_failed_with_the_servers_words(
    mailer: Mailer, post: Post, pipelining: bool
) -> None:
    post.pipelining = pipelining
    post.refuse["c2@correo.example"] = "550 5.1.1 no such user"
    run = mailer.create(people(3))
    mailer.drain()
    row = mailer.rows(run)[2]
    assert (row.state, row.reason) == ("failed", "550 5.1.1 no such user")
    assert mailer.shown(run).sent == 2


def test_refusal_for_now_is_tried_three_times_and_then_failed(mailer: Mailer, post: Post) -> None:
    post.refuse["c1@correo.example"] = "451 try later"
    run = mailer.create(people(2))
    mailer.drain()
    row = mailer.rows(run)[1]
    assert (row.state, row.attempt) == ("pending", 1)
    assert row.retry_at is not None
    assert row.retry_at > clock.now()
    assert mailer.shown(run).state is MailingState.SENDING
    for _ in range(2):
        mailer.wait()
    row = mailer.rows(run)[1]
    assert (row.state, row.reason, row.attempt) == ("failed", "451 try later", 3)
    assert mailer.shown(run).state is MailingState.FINISHED


def test_a_line_cut_before_the_content_sends_again(mailer: Mailer, post: Post) -> None:
    post.hang_up["c2@correo.example"] = "rcpt"
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))
    jobs.send_batch.run(run)
    assert mailer.rows(run)[2].state == "pending"
    post.hang_up.clear()
    mailer.wait()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in (1, 2, 3))


def test_a_line_cut_after_the_content_is_doubtful_and_not_sent_again(
    mailer: Mailer, post: Post
) -> None:
    post.hang_up["c2@correo.example"] = "data"
    run = mailer.create(people(4))
    mailer.drain()
    mailer.wait()
    shown = mailer.shown(run)
    assert (shown.sent, shown.doubtful, shown.state) == (3, 1, MailingState.FINISHED)
    assert mailer.rows(run)[2].state == "doubtful"
    assert max(Counter(post.addresses).values()) == 1


def test_no_mail_server_changes_nothing_and_says_so(
    mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "smtp_url", "smtp://127.0.0.1:1")
    run = mailer.create(people(2))
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.pending, shown.state) == (2, MailingState.SENDING)
    assert shown.error is not None


def test_a_run_goes_on_when_the_mail_server_is_back(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = settings().smtp_url
    monkeypatch.setattr(settings(), "smtp_url", "smtp://127.0.0.1:1")
    run = mailer.create(people(2))
    mailer.drain()
    monkeypatch.setattr(settings(), "smtp_url", address)
    jobs.sweep.run()
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.sent, shown.error) == (2, None)


def test_pause_stops_before_the_next_mail_and_resume_misses_nobody(
    mailer: Mailer, post: Post
) -> None:
    post.on_mail = Once(5, lambda: mailer.execute("UPDATE mailing SET state = 'paused'"))
    run = mailer.create(people(50))
    mailer.drain()
    assert len(post.got) == 5
    shown = mailer.shown(run)
    assert (shown.sent, shown.pending, shown.sending) == (5, 45, 0)
    mailer.execute("UPDATE mailing SET state = 'sending'")
    jobs.start_sending.run(run)
    mailer.drain()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in range(1, 51))


def test_cancel_skips_what_is_pending(mailer: Mailer, post: Post) -> None:
    cancel = "UPDATE mailing SET state = 'cancelled', finished_at = now()"
    post.on_mail = Once(3, lambda: mailer.execute(cancel))
    run = mailer.create(people(10))
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.sent, shown.cancelled, shown.skipped) == (3, 7, {})
    outcomes = [item for event in mailer.events("mailing_progressed") for item in event["outcomes"]]
    assert len(outcomes) == 10


def test_who_unsubscribes_after_the_preparation_is_not_mailed(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute("INSERT INTO contact_state (customer_id, unsubscribed) VALUES (2, true)")
    mailer.drain()
    assert post.addresses == ["c1@correo.example", "c3@correo.example"]
    assert mailer.shown(run).skipped == {"unsubscribed": 1}


def test_who_unsubscribes_in_the_middle_of_a_claim_is_not_mailed(
    mailer: Mailer, post: Post
) -> None:
    def leave() -> None:
        with mailer.sessions.begin() as session:
            contacts.set_unsubscribed(session, 9)

    post.on_mail = Once(2, leave)
    mailer.create(people(10))
    mailer.drain()
    assert "c9@correo.example" not in post.addresses
    assert len(post.addresses) == 9


def test_who_is_over_the_cap_is_skipped(mailer: Mailer, post: Post) -> None:
    insert = (
        "INSERT INTO contact SELECT :id, now() - :days * interval '1 day' - n * interval '1 minute'"
        " FROM generate_series(1, :count) AS n"
    )
    cap, days = settings().contact_cap, settings().contact_cap_days
    mailer.execute(insert, id=1, days=0, count=cap)
    mailer.execute(insert, id=2, days=0, count=cap - 1)
    mailer.execute(insert, id=3, days=days + 1, count=cap)
    run = mailer.create(people(3))
    mailer.drain()
    assert sorted(post.addresses) == ["c2@correo.example", "c3@correo.example"]
    assert mailer.shown(run).skipped == {"over_cap": 1}


def test_mails_count_for_the_cap(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "contact_cap", 2)
    for _ in range(3):
        mailer.create(people(1))
        mailer.drain()
    assert len(post.got) == 2


def test_the_rate_of_the_settings_is_kept(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "mail_rate_per_second", 20.0)
    run = mailer.create(people(11))
    began = clock.now()
    mailer.drain()
    assert clock.now() - began >= timedelta(seconds=0.45)
    assert mailer.shown(run).sent == 11


def test_an_address_that_would_break_the_protocol_fails_alone(mailer: Mailer, post: Post) -> None:
    run = mailer.create([person(1, email="a@b.ec>x"), person(2, email="ñ@b.ec"), person(3)])
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.failed, shown.sent) == (2, 1)


def test_test_mail_goes_out_marked(mailer: Mailer, post: Post) -> None:
    jobs.send_test.run(1, "", "yo@pregon.example")
    assert post.addresses == ["yo@pregon.example"]
    assert post.message()["Subject"].startswith("[Prueba] María")


def test_test_mail_without_server_is_tried_again(
    mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "smtp_url", "smtp://127.0.0.1:1")
    with pytest.raises(ConnectionError):
        jobs.send_test.run(1, "", "yo@pregon.example")


def count_jobs(mailer: Mailer, name: str) -> int:
    query = text("SELECT count(*) FROM outbox WHERE task = :name")
    with mailer.sessions() as session:
        return int(session.execute(query, {"name": name}).scalar_one())


def test_a_run_begins_with_two_senders_and_each_hands_on_to_one(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.mailer.sending.SLICE_SECONDS", 0.0)
    run = mailer.create(people(9))
    mailer.drain(but=("mailer.send_batch",))
    assert count_jobs(mailer, "mailer.send_batch") == 2
    jobs.send_batch(run)
    assert count_jobs(mailer, "mailer.send_batch") == 3
    assert len(post.got) == 1  # its time was over after one


@pytest.mark.parametrize(("alive", "sends"), [(3, True), (4, False)])
def test_a_run_has_four_senders_at_most(
    mailer: Mailer, post: Post, alive: int, sends: bool
) -> None:
    run = mailer.create(people(2))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute(
        "INSERT INTO sender (id, transfer_id, alive_until) SELECT gen_random_uuid(), transfer_id,"
        " now() + interval '1 minute' FROM mailing, generate_series(1, :alive)",
        alive=alive,
    )
    jobs.send_batch(run)
    assert bool(post.got) is sends


def test_a_sender_claims_two_hundred_at_once(mailer: Mailer, post: Post) -> None:
    claimed: list[int] = []

    def look() -> None:
        query = text("SELECT count(*) FROM recipient WHERE claimed_by IS NOT NULL")
        with mailer.sessions() as session:
            claimed.append(int(session.execute(query).scalar_one()))

    post.on_mail = Once(1, look)
    run = mailer.create(people(250))
    mailer.drain(but=("mailer.send_batch",))
    jobs.send_batch(run)
    assert claimed == [200]


@pytest.mark.parametrize(("seconds", "shown"), [(9, 40.0), (11, None)])
def test_a_rate_is_shown_while_it_is_fresh(
    mailer: Mailer, seconds: int, shown: float | None
) -> None:
    run = mailer.create(people(2))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute(
        "UPDATE mailing SET per_second = 40, measured_at = now() - :seconds * interval '1 second'",
        seconds=seconds,
    )
    assert mailer.shown(run).per_second == shown


def test_the_rate_is_what_was_done_in_the_time_since(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(10))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute("UPDATE recipient SET state = 'sent', reported = true WHERE customer_id < 9")
    mailer.execute(
        "UPDATE mailing SET measured_at = now() - interval '4 seconds', measured_done = 0"
    )
    with mailer.sessions.begin() as session:
        mailings.measure(session, mailings.get_mailing(session, run).transfer_id)
    rate = mailer.shown(run).per_second
    assert rate is not None
    assert 1.5 < rate < 2.1
