"""Who may be mailed, looked at when the mail is about to go: blocks in their order, and the cap."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.mailer import claims, jobs, mailings, senders
from shared.contracts.mailer import MailingState, SkipReason
from shared.settings import settings
from tests.jobs.mailer.conftest import Mailer, Once, Post, people, person
from tests.jobs.mailer.test_crashes import start_sender

Until = Callable[[Callable[[], Any]], Any]
_TOUCH = (
    "INSERT INTO contact SELECT :id, now() - :hours * interval '1 hour' - n * interval '1 minute'"
    " FROM generate_series(1, :count) AS n"
)


def touch(mailer: Mailer, customer_id: int, count: int, hours: int = 0) -> None:
    mailer.execute(_TOUCH, id=customer_id, count=count, hours=hours)


def block(mailer: Mailer, customer_id: int, mail_block: str | None, *, left: bool = False) -> None:
    mailer.execute(
        "INSERT INTO contact_state (customer_id, mail_block, unsubscribed)"
        " VALUES (:id, :mail, :left)",
        id=customer_id,
        mail=mail_block,
        left=left,
    )


def reasons(mailer: Mailer, run: int) -> dict[int, tuple[str, str | None]]:
    return {key: (row.state, row.reason) for key, row in mailer.rows(run).items()}


# --- blocks: the first that holds is the reason ---


@pytest.mark.parametrize("mail_block", ["no_consent", "do_not_contact", "bounced", "no_address"])
@pytest.mark.parametrize("late", [False, True])
def test_each_block_stops_the_mail_whenever_it_is_heard(
    mailer: Mailer, post: Post, mail_block: str, late: bool
) -> None:
    if not late:
        block(mailer, 2, mail_block)
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))
    if late:
        block(mailer, 2, mail_block)
    mailer.drain()
    assert post.addresses == ["c1@correo.example", "c3@correo.example"]
    assert reasons(mailer, run)[2] == ("skipped", mail_block)


def test_the_order_of_reasons_at_the_claim(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(4))
    mailer.drain(but=("mailer.send_batch",))
    for customer_id in (1, 2, 3):
        touch(mailer, customer_id, settings().contact_cap)
    block(mailer, 1, "no_consent", left=True)
    block(mailer, 2, "no_consent")
    mailer.drain()
    assert reasons(mailer, run) == {
        1: ("skipped", "unsubscribed"),
        2: ("skipped", "no_consent"),
        3: ("skipped", "over_cap"),
        4: ("sent", None),
    }


def test_the_order_of_reasons_at_the_preparation(mailer: Mailer) -> None:
    same = {"email": "misma@correo.example"}
    bare: dict[str, Any] = {"held": "bounced", "email": None}
    block(mailer, 1, "no_consent", left=True)
    block(mailer, 2, "no_consent")
    audience = [
        person(1, **bare),
        person(2, **bare),
        person(3, **bare),
        person(4, email=None),
        person(5, **same),
        person(6, **same),
        person(7, email=None),
    ]
    run = mailer.create(audience)
    mailer.drain(but=("mailer.send_batch",))
    assert reasons(mailer, run) == {
        1: ("skipped", "unsubscribed"),
        2: ("skipped", "no_consent"),
        3: ("skipped", "bounced"),
        4: ("skipped", "no_address"),
        5: ("pending", None),
        6: ("skipped", "duplicate"),
        7: ("skipped", "no_address"),
    }


def test_an_address_shared_with_somebody_blocked_here_is_no_duplicate(mailer: Mailer) -> None:
    block(mailer, 1, None, left=True)
    block(mailer, 2, "bounced")
    same = {"email": "misma@correo.example"}
    run = mailer.create([person(number, **same) for number in (1, 2, 3)])
    mailer.drain(but=("mailer.send_batch",))
    assert reasons(mailer, run)[3] == ("pending", None)


# --- the cap ---


def test_the_cap_is_how_many_and_in_how_many_days(mailer: Mailer, post: Post) -> None:
    cap, hours = settings().contact_cap, settings().contact_cap_days * 24
    touch(mailer, 1, cap)
    touch(mailer, 2, cap - 1)
    touch(mailer, 3, cap, hours=hours)
    touch(mailer, 4, cap, hours=hours - 1)
    run = mailer.create(people(4))
    mailer.drain()
    assert sorted(post.addresses) == ["c2@correo.example", "c3@correo.example"]
    assert reasons(mailer, run)[1] == ("skipped", "over_cap") == reasons(mailer, run)[4]


def test_what_an_audience_says_of_the_cap_is_history(mailer: Mailer, post: Post) -> None:
    run = mailer.create([person(1, held="over_cap")])
    mailer.drain()
    assert mailer.shown(run).sent == 1


def test_who_was_over_the_cap_stays_out_of_that_run_and_is_judged_anew_in_the_next(
    mailer: Mailer, post: Post
) -> None:
    touch(mailer, 1, settings().contact_cap)
    first = mailer.create(people(1))
    mailer.drain()
    mailer.execute("DELETE FROM contact")
    mailer.wait()
    assert reasons(mailer, first)[1] == ("skipped", "over_cap")
    second = mailer.create(people(1))
    mailer.drain()
    assert mailer.shown(second).sent == 1


def test_a_touch_in_the_middle_of_a_claim_counts(mailer: Mailer, post: Post) -> None:
    post.on_mail = Once(2, lambda: touch(mailer, 9, settings().contact_cap))
    run = mailer.create(people(10))
    mailer.drain()
    assert len(post.addresses) == 9
    assert reasons(mailer, run)[9] == ("skipped", "over_cap")


def test_two_runs_at_once_never_both_mail_a_person_below_the_cap(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREGON_CONTACT_CAP", "1")
    monkeypatch.setattr(settings(), "contact_cap", 1)
    runs = [mailer.create(people(200)) for _ in range(3)]
    mailer.drain(but=("mailer.send_batch",))
    at_work = [start_sender(run) for run in runs]
    for sender in at_work:
        assert sender.wait(60) == 0
    for _ in range(3):
        mailer.wait()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in range(1, 201))
    found = [mailer.shown(run) for run in runs]
    assert {shown.state for shown in found} == {MailingState.FINISHED}
    assert sum(shown.sent for shown in found) == 200
    assert sum(shown.skipped.get(SkipReason.OVER_CAP, 0) for shown in found) == 400


@pytest.mark.parametrize(("outcome", "state"), [("pending", "sent"), ("sent", "skipped")])
def test_a_mail_another_run_has_in_hand_is_waited_for(
    mailer: Mailer, post: Post, monkeypatch: pytest.MonkeyPatch, outcome: str, state: str
) -> None:
    monkeypatch.setattr(settings(), "contact_cap", 1)
    other, run = mailer.create(people(1)), mailer.create(people(1))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute("DELETE FROM outbox WHERE task IS NOT NULL")
    with mailer.sessions.begin() as session:
        sender = begin_claim(session, other)
    jobs.send_batch(run)
    row = mailer.rows(run)[1]
    assert (row.state, row.claimed_by, post.got) == ("pending", None, [])
    assert row.retry_at is not None
    mailer.execute(
        "UPDATE recipient SET state = :state, claimed_by = NULL WHERE claimed_by = :sender",
        state=outcome,
        sender=sender,
    )
    mailer.execute("UPDATE mailing SET state = 'paused' WHERE id = :id", id=other)
    mailer.wait()
    assert mailer.rows(run)[1].state == state


def test_of_two_claims_at_the_same_moment_the_second_sees_the_first(
    mailer: Mailer, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "contact_cap", 1)
    other, run = mailer.create(people(1)), mailer.create(people(1))
    mailer.drain(but=("mailer.send_batch",))

    def claim() -> int:
        with mailer.sessions.begin() as session:
            transfer_id = mailings.get_mailing(session, run).transfer_id
            return len(claims.claim(session, transfer_id, uuid4(), 10).rows)

    with ThreadPoolExecutor(1) as pool:
        with mailer.sessions.begin() as session:
            begin_claim(session, other)
            second = pool.submit(claim)
            until(lambda: second.done() or is_waited_for(mailer))
        assert second.result(20) == 0


def is_waited_for(mailer: Mailer) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
    with mailer.sessions() as session:
        return bool(session.execute(text(query)).scalar())


def begin_claim(session: Session, run: int) -> Any:
    """A sender that has claimed all of a run and says nothing more for now."""
    sender = uuid4()
    transfer_id = mailings.get_mailing(session, run).transfer_id
    senders.begin(session, transfer_id, sender)
    assert len(claims.claim(session, transfer_id, sender, 10).rows) == 1
    return sender
