"""A database of the release before, with runs in it, brought up to date."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, text

from shared import migrate
from shared.settings import settings

_RUN = text(
    "INSERT INTO mailing (transfer_id, campaign_id, campaign_name, kind, design_id, design_name,"
    " subject, state, target, created_by) VALUES (:id, 1, 'Fibra', 'on_demand', 1, 'Oferta',"
    " 'Hola', :state, 3, 'jefe')"
)
_ROW = text(
    "INSERT INTO recipient (transfer_id, customer_id, cedula, first_names, last_names, state,"
    " reason, held) VALUES (:id, :customer_id, '', 'Ana', 'Mora', :state, :reason, :held)"
)


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A database as of the release before."""
    monkeypatch.setattr(settings(), "namespace", f"old_{uuid4().hex[:8]}")
    migrate.make_database("mailer")
    command.upgrade(migrate.config("mailer"), "0002")
    engine = create_engine(settings().database_url_of("mailer"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    server = create_engine(f"postgresql+psycopg2{settings().server_url('postgres')[10:]}")
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE "{settings().database("mailer")}" WITH (FORCE)'))
    server.dispose()


def test_the_address_of_who_was_erased_is_not_kept_any_longer(before: Connection) -> None:
    add_run(before, "finished", ("sent", None, None), ("sent", None, None))
    before.execute(
        text("UPDATE recipient SET first_names = '', last_names = '' WHERE customer_id = 1")
    )
    command.upgrade(migrate.config("mailer"), "0005")
    before.execute(
        text(
            "INSERT INTO contact_state (customer_id, version, mail_block, email) VALUES"
            " (1, 1, NULL, 'a@b.example'), (2, 1, 'bounced', 'c@d.example')"
        )
    )
    migrate.migrate("mailer")
    states = text("SELECT email, mail_block, erased, mail_bounced FROM contact_state ORDER BY 1")
    assert before.execute(states).all() == [
        ("c@d.example", "bounced", False, True),
        (None, "do_not_contact", True, False),
    ]


def add_run(
    connection: Connection, state: str, *rows: tuple[str, str | None, str | None]
) -> dict[str, object]:
    key: dict[str, object] = {"id": uuid4()}
    connection.execute(_RUN, key | {"state": state})
    for number, (row_state, reason, held) in enumerate(rows, 1):
        row = {"customer_id": number, "state": row_state, "reason": reason, "held": held}
        connection.execute(_ROW, key | row)
    return key


def test_runs_of_the_release_before_are_told_in_the_new_words(before: Connection) -> None:
    skipped = ("skipped", "cancelled", None)
    cancelled = add_run(before, "cancelled", skipped, skipped, ("skipped", "bounced", None))
    paused = add_run(before, "paused", ("pending", None, "over_cap"), ("pending", None, "bounced"))
    failed = add_run(before, "failed", ("pending", None, None))
    before.execute(
        text("INSERT INTO contact_state VALUES (1, 'over_cap', false), (2, 'bounced', true)")
    )
    migrate.migrate("mailer")
    counts = text(
        "SELECT state, reason, sum(count)::int FROM mailing_count WHERE transfer_id = :id"
        " GROUP BY 1, 2 HAVING sum(count) <> 0 ORDER BY 1"
    )
    assert before.execute(counts, cancelled).all() == [
        ("cancelled", "", 2),
        ("skipped", "bounced", 1),
    ]
    assert before.execute(counts, failed).all() == []
    held = text("SELECT held FROM recipient WHERE transfer_id = :id ORDER BY customer_id")
    assert before.execute(held, paused).scalars().all() == [None, "bounced"]
    runs = text("SELECT paused_by, customer_ids, version FROM mailing WHERE transfer_id = :id")
    assert before.execute(runs, paused).one() == ("person", None, 0)
    assert before.execute(runs, failed).one() == (None, [], 0)  # for whom it was is not known
    states = text(
        "SELECT mail_block, unsubscribed, version FROM contact_state ORDER BY 1 NULLS FIRST"
    )
    assert before.execute(states).all() == [(None, False, 0), ("bounced", True, 0)]
