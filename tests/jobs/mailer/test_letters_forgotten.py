"""Letters to users are forgotten after days, and not before they are out."""

from datetime import timedelta

from sqlalchemy import update

from services.mailer import jobs
from services.mailer.models import ServiceMail
from shared.contracts.mailer import Addressee, RecipientState
from shared.settings import settings
from tests.jobs.mailer.conftest import Mailer, Post
from tests.jobs.mailer.test_letters import ANA, ask, check_blank, row

EVA = Addressee(full_name="Eva Ruiz", email="eva@correo.example")


def age(mailer: Mailer, days: float) -> None:
    """Let time pass for all letters that there are."""
    with mailer.sessions.begin() as session:
        younger = ServiceMail.created_at - timedelta(days=days)
        session.execute(update(ServiceMail).values(created_at=younger))


def test_a_letter_to_a_user_is_forgotten_after_its_days(mailer: Mailer, post: Post) -> None:
    assert settings().letter_days == 30
    ask(mailer, "old", EVA)
    ask(mailer, "customers", ANA)
    mailer.drain()
    age(mailer, 29.9)
    jobs.forget_letters()
    assert row(mailer, 1).email == EVA.email
    ask(mailer, "young", EVA)
    mailer.drain()
    age(mailer, 0.2)
    jobs.forget_letters()
    forgotten, customers, young = (row(mailer, number) for number in (1, 2, 3))
    check_blank(forgotten)
    assert (forgotten.reference, forgotten.state) == ("old", RecipientState.SENT)
    assert (customers.email, young.email) == (ANA.email, EVA.email)
    sent = len(post.got)
    ask(mailer, "old", EVA)
    mailer.drain()
    assert len(post.got) == sent  # it is known that it went out


def test_a_letter_that_has_still_to_go_out_keeps_its_address(mailer: Mailer, post: Post) -> None:
    ask(mailer, "waits", EVA)
    age(mailer, 100)
    jobs.forget_letters()
    mailer.drain()
    assert post.addresses == [EVA.email]
    jobs.forget_letters()
    check_blank(row(mailer))
