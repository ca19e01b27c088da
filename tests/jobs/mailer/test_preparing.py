"""From the audience's chunks to a run that is ready."""

from datetime import timedelta
from random import Random

import pytest

from services.mailer import jobs, mailings
from shared import clock, transfer
from shared.contracts.mailer import MailingState
from tests.jobs.mailer.conftest import Mailer, Post, chunks, people, person


def test_target_is_the_audience_and_who_may_not_be_mailed_is_skipped(mailer: Mailer) -> None:
    mailer.execute(
        "INSERT INTO contact_state (customer_id, mail_block, unsubscribed)"
        " VALUES (5, 'bounced', false), (6, NULL, true)"
    )
    audience = [
        *people(2),
        person(3, held="no_consent"),
        person(4, email=None),
        person(5),
        person(6),
        person(7, email="C1@correo.example"),
    ]
    run = mailer.create(audience)
    mailer.drain(but=("mailer.send_batch",))
    shown = mailer.shown(run)
    assert (shown.target, shown.pending) == (7, 2)
    assert shown.skipped == {
        "no_consent": 1,
        "no_address": 1,
        "bounced": 1,
        "unsubscribed": 1,
        "duplicate": 1,
    }
    assert shown.state is MailingState.SENDING


def test_what_was_heard_wins_over_an_older_audience_and_gives_way_to_a_newer(
    mailer: Mailer,
) -> None:
    mailer.execute(
        "INSERT INTO contact_state (customer_id, version, email, mail_block)"
        " VALUES (1, 5, 'nueva@correo.ec', NULL), (2, 5, NULL, 'do_not_contact'),"
        " (3, 5, 'vieja@correo.ec', NULL)"
    )
    audience = [
        person(1, contact_version=4, held="no_consent"),
        person(2, contact_version=4),
        person(3, contact_version=6, email="ultima@correo.ec"),
    ]
    run = mailer.create(audience)
    mailer.drain(but=("mailer.send_batch",))
    rows = mailer.rows(run)
    assert (rows[1].email, rows[1].state) == ("nueva@correo.ec", "pending")
    assert (rows[2].state, rows[2].reason) == ("skipped", "do_not_contact")
    assert (rows[3].email, rows[3].state) == ("ultima@correo.ec", "pending")


def test_an_address_shared_with_somebody_held_is_no_duplicate(mailer: Mailer) -> None:
    run = mailer.create([person(1, held="no_consent", email="a@b.ec"), person(2, email="a@b.ec")])
    mailer.drain(but=("mailer.send_batch",))
    assert mailer.rows(run)[2].state == "pending"


def test_skipped_are_reported_in_batches_of_500(mailer: Mailer) -> None:
    mailer.create([person(number, held="no_consent") for number in range(1, 1202)])
    mailer.drain()
    sizes = [len(event["outcomes"]) for event in mailer.events("mailing_progressed")]
    assert sum(sizes) == 1201
    assert max(sizes) == 500


def test_an_audience_nobody_of_which_may_be_mailed_finishes(mailer: Mailer) -> None:
    run = mailer.create([person(1, held="do_not_contact")])
    mailer.drain()
    assert mailer.shown(run).state is MailingState.FINISHED


def test_an_empty_audience_finishes(mailer: Mailer) -> None:
    run = mailer.create([])
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.state, shown.target) == (MailingState.FINISHED, 0)


def test_chunks_that_come_twice_and_in_any_order_load_once(mailer: Mailer) -> None:
    run = mailer.create([])
    mailer.execute("DELETE FROM outbox")
    with mailer.sessions.begin() as session:
        transfer_id = mailings.get_mailing(session, run).transfer_id
    mailer.execute("UPDATE transfer SET completed_at = NULL, expected_chunks = NULL")
    many = chunks(transfer_id, people(20_000)) * 2
    Random(7).shuffle(many)
    for chunk in many:
        jobs.load_recipients_chunk.run(chunk)
    mailer.drain(but=("mailer.send_batch",))
    assert mailer.shown(run).target == 20_000


def test_a_run_for_later_waits_and_the_sweeper_starts_it(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(3), send_at=clock.now() + timedelta(hours=1))
    mailer.drain()
    jobs.sweep.run()
    mailer.drain()
    assert mailer.shown(run).state is MailingState.SCHEDULED
    assert post.got == []
    mailer.execute("UPDATE mailing SET send_at = now() - interval '1 second'")
    jobs.sweep.run()
    mailer.drain()
    assert mailer.shown(run).sent == 3


def test_a_run_cancelled_while_it_was_prepared_mails_nobody(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(3))
    mailer.execute("UPDATE mailing SET state = 'cancelled', finished_at = now()")
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.cancelled, shown.skipped) == (3, {})
    assert post.got == []


def test_a_campaign_paused_while_its_run_was_prepared_keeps_it_waiting(
    mailer: Mailer, post: Post
) -> None:
    run = mailer.create(people(3))
    mailer.execute("INSERT INTO campaign VALUES (1, 1, 'Fibra', 'paused', '{mail}', 1, '')")
    mailer.drain()
    assert mailer.shown(run).state is MailingState.PAUSED
    assert post.got == []


def test_a_transfer_that_does_not_add_up_fails_the_run(mailer: Mailer) -> None:
    run = mailer.create([])
    mailer.execute(
        "UPDATE transfer SET completed_at = NULL, expected_chunks = 0, expected_rows = 5"
    )
    with mailer.sessions.begin() as session:
        transfer_id = mailings.get_mailing(session, run).transfer_id
    closing = chunks(transfer_id, [])[0] | {"rows": 5}
    with pytest.raises(transfer.DamagedError, match="differ"):
        jobs.load_recipients_chunk.run(closing)
