"""Links by mail to choose a password: good once, not for long, and kept nowhere."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import eventlet
import pytest
from sqlalchemy import text

from services.identity import jobs, password_links, second_factor, tries
from services.identity.password_links import ChangedBy
from shared import clock, mail_links, trace
from shared.contracts.identity import (
    LinkPurpose,
    LinkState,
    Ticket,
    UserChange,
)
from shared.contracts.mailer import LetterTemplate
from shared.errors import Denied, Invalid, NotFound
from shared.permissions import Role
from shared.settings import settings
from tests.databases import audited_of, outbox_of
from tests.make.actors import make_actor
from tests.rooms.identity.links import (
    HERE,
    MAIL,
    OTHER,
    PASSWORD,
    Sessions,
    actions,
    ask,
    asked_jobs,
    invite,
    is_good,
    last,
    letters,
    links,
    make,
    nobody,
    read,
    statements,
)


@pytest.fixture
def db(identity: Any) -> Sessions:
    found: Sessions = identity.db
    return found


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`moment(minutes)` moves the clock, which stands still otherwise."""
    now = [datetime(2026, 11, 22, 15, 0, 10, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def move(minutes: float) -> None:
        now[0] += timedelta(minutes=minutes)

    return move


@pytest.fixture(autouse=True)
def rosa(identity: Any) -> Any:
    """Somebody has to be left who administers users."""
    return make(identity, "rosa", role=Role.ADMIN, email=None)


@pytest.fixture
def ana(identity: Any) -> Any:
    return make(identity)


# --- reset ---


def test_a_forgotten_password_is_replaced_by_the_link_of_the_mail(
    identity: Any, ana: Any, db: Sessions
) -> None:
    there = identity.log_in("ana", PASSWORD, HERE).token
    ask(identity, db)
    (letter,) = letters(db)
    assert letter["template"] == LetterTemplate.PASSWORD_RESET
    assert letter["person"] == {"customer_id": None, "full_name": "Ana Mora", "email": MAIL}
    assert letter["fields"]["lasts"] == "30 minutos"
    word = read(letter)
    with nobody():
        shown = identity.get_link_holder(word)
        assert (shown.username, shown.purpose) == ("ana", LinkPurpose.RESET)
        assert identity.use_password_link(word, OTHER, HERE) == shown
    with pytest.raises(Denied):
        identity.get_session(there)
    with pytest.raises(Denied):
        identity.log_in("ana", PASSWORD, HERE)
    assert identity.log_in("ana", OTHER, HERE).actor.user_id == ana.id
    told = letters(db)[-1]
    assert told["template"] == LetterTemplate.PASSWORD_CHANGED
    assert (told["person"]["email"], told["fields"]["way"]) == (MAIL, ChangedBy.LINK)


def test_a_reset_proves_the_mailbox_and_not_the_telephone(
    identity: Any, ana: Any, db: Sessions
) -> None:
    with db.begin() as session:
        secret = second_factor.make_secret()
        second_factor.set_factor(session, ana.id, secret, 0)
    ask(identity, db)
    identity.use_password_link(last(db), OTHER, HERE)
    assert isinstance(identity.log_in("ana", OTHER, HERE), Ticket)


def test_a_link_is_good_once_also_for_two_at_once(identity: Any, ana: Any, db: Sessions) -> None:
    ask(identity, db)
    word = last(db)

    def use(password: str) -> bool:
        try:
            identity.use_password_link(word, password, HERE)
        except NotFound:
            return False
        return True

    tasks = [eventlet.spawn(use, password) for password in (OTHER, "plato verde luna")]
    assert sorted(task.wait() for task in tasks) == [False, True]
    assert not use(PASSWORD)
    assert actions(db).count("link_used") == 1
    assert actions(db).count("link_refused") >= 1


def test_looking_at_a_link_uses_nothing_up(identity: Any, ana: Any, db: Sessions) -> None:
    ask(identity, db)
    assert all(is_good(identity, last(db)) for _ in range(3))
    with pytest.raises(Invalid, match="se adivina"):
        identity.use_password_link(last(db), "ana mora ana mora", HERE)
    assert identity.use_password_link(last(db), OTHER, HERE).username == "ana"


def test_after_its_time_a_link_opens_nothing(
    identity: Any, ana: Any, db: Sessions, moment: Callable[[float], None]
) -> None:
    ask(identity, db)
    moment(settings().reset_minutes - 0.1)
    assert is_good(identity, last(db))
    moment(0.1)
    assert not is_good(identity, last(db))
    with pytest.raises(NotFound):
        identity.use_password_link(last(db), OTHER, HERE)
    assert identity.log_in("ana", PASSWORD, HERE).actor.user_id == ana.id
    assert identity.get_password_link(ana.id).state is LinkState.EXPIRED


def test_a_link_that_expires_between_form_and_use_is_not_taken(
    identity: Any, ana: Any, db: Sessions, moment: Callable[[float], None]
) -> None:
    """The statement that uses it decides, not what was seen before."""
    ask(identity, db)
    with db.begin() as session:
        link = password_links.find(session, last(db))
        assert link is not None
        moment(settings().reset_minutes)
        assert not password_links.use(session, link.id)


@pytest.mark.parametrize(
    "change",
    [
        {"password": OTHER},
        {"email": "otra@correo.example"},
        {"email": None},
        {"active": False},
        {"ends_on": "2026-01-01"},
    ],
)
def test_another_password_mail_or_state_ends_a_link(
    identity: Any, ana: Any, db: Sessions, change: dict[str, Any]
) -> None:
    ask(identity, db)
    word = last(db)
    identity.update_user(ana.id, UserChange.to(full_name="Ana María Mora"))
    assert is_good(identity, word)
    identity.update_user(ana.id, UserChange.to(**change))
    assert not is_good(identity, word)
    with pytest.raises(NotFound):
        identity.use_password_link(word, PASSWORD, HERE)
    if "active" in change:
        identity.update_user(ana.id, UserChange.to(active=True))
        assert not is_good(identity, word)


def test_a_later_link_ends_the_one_before(identity: Any, ana: Any, db: Sessions) -> None:
    ask(identity, db)
    first = last(db)
    ask(identity, db, MAIL.upper())
    assert last(db) != first
    assert not is_good(identity, first)
    assert is_good(identity, last(db))


def test_the_users_own_change_ends_a_link_and_tells_the_user(
    identity: Any, ana: Any, db: Sessions
) -> None:
    ask(identity, db)
    word = last(db)
    with trace.use(actor=make_actor("ana", Role.ADVISOR, user_id=ana.id)):
        identity.change_password("-", PASSWORD, OTHER, HERE)
    assert not is_good(identity, word)
    assert letters(db)[-1]["fields"]["way"] == ChangedBy.ONESELF


def test_an_administrators_change_is_told_where_the_mail_went_before(
    identity: Any, ana: Any, db: Sessions
) -> None:
    identity.update_user(ana.id, UserChange.to(password=OTHER, email="otra@correo.example"))
    (letter,) = letters(db)
    assert letter["template"] == LetterTemplate.PASSWORD_CHANGED
    assert (letter["person"]["email"], letter["fields"]["way"]) == (MAIL, ChangedBy.ADMINISTRATOR)


# --- who asks learns nothing ---


def test_for_nobody_the_same_is_done_and_no_letter_goes_out(identity: Any, db: Sessions) -> None:
    """Of those who are known, who may not come and who has no mail, the door does the same."""
    make(identity)
    make(identity, "berta", email=None)
    gone = make(identity, "carla", email="carla@correo.example")
    identity.update_user(gone.id, UserChange.to(active=False))
    names = ("ana", "berta", "carla", "nadie", "nadie@correo.example", "carla@correo.example")
    rows = []
    for who in names:
        before = len(outbox_of(db)) + len(audited_of(db))
        with nobody():
            assert identity.ask_password_reset(who, HERE) is None
        rows.append(len(outbox_of(db)) + len(audited_of(db)) - before)
    assert rows == [2] * len(names)
    sent = asked_jobs(db)
    assert [bool(user_id) for user_id, _ in sent] == [True, True, True, False, False, False]
    for arguments in sent:
        jobs.send_reset_link(*arguments)
    assert [letter["person"]["email"] for letter in letters(db)] == [MAIL]


def test_it_costs_the_same_statements_for_everybody(identity: Any, ana: Any, db: Sessions) -> None:
    seen = []
    for who in ("ana", "nadie", MAIL, "nadie@correo.example"):
        with statements(db) as made, nobody():
            identity.ask_password_reset(who, HERE)
        seen.append(made)
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]


def test_what_was_typed_is_on_record_by_its_hash_alone(
    identity: Any, ana: Any, db: Sessions
) -> None:
    ask(identity, db, "mi-clave-secreta")
    ask(identity, db)
    unknown, known, *_ = [line for line in audited_of(db) if line["action"] == "reset_asked"]
    assert "mi-clave-secreta" not in json.dumps([audited_of(db), outbox_of(db)])
    assert unknown["changes"]["username_tried"][1].startswith("#")
    assert (known["object_kind"], known["object_id"], known["source"]) == ("user", "ana", HERE)


def test_asking_too_often_is_told_when_it_may_go_on_whoever_it_is(
    identity: Any, ana: Any, db: Sessions
) -> None:
    told = []
    for who in ("ana", "nadie"):
        for _ in range(tries.FREE_LETTERS):
            ask(identity, db, who)
        with pytest.raises(Denied, match="Espere") as error:
            ask(identity, db, who)
        seconds = next(item.message for item in error.value.fields)
        assert 3500 < int(seconds) <= 3600
        told.append(error.value.message)
    assert told[0] == told[1]


def test_an_address_asks_for_so_many_people_and_no_more(identity: Any, db: Sessions) -> None:
    for number in range(tries.FREE_LETTERS_OF_SOURCE):
        ask(identity, db, f"nadie{number}")
    with pytest.raises(Denied, match="Espere"):
        ask(identity, db, "otro")
    ask(identity, db, "otro", "10.0.0.2")


def test_nobodys_mailbox_is_filled_from_everywhere(
    identity: Any, ana: Any, db: Sessions, moment: Callable[[float], None]
) -> None:
    for number in range(password_links.LETTERS_AN_HOUR + 2):
        ask(identity, db, source=f"10.0.1.{number}")
    assert len(links(db)) == password_links.LETTERS_AN_HOUR
    moment(60.1)
    ask(identity, db, source="10.0.2.1")
    assert len(links(db)) == password_links.LETTERS_AN_HOUR + 1


def test_words_that_are_none_of_ours_are_tried_slowly(
    identity: Any, ana: Any, db: Sessions
) -> None:
    with nobody():
        for number in range(tries.FREE_OF_SOURCE):
            with pytest.raises(NotFound):
                identity.use_password_link(f"word-{number}", OTHER, HERE)
        with pytest.raises(Denied, match="Espere"):
            identity.use_password_link("word", OTHER, HERE)
    assert "link_refused" not in actions(db)


# --- nothing that opens anything is kept ---


def test_no_table_and_no_message_holds_the_link(identity: Any, ana: Any, db: Sessions) -> None:
    ask(identity, db)
    invite(identity, username="eva", email="eva@correo.example")
    kept = json.dumps([outbox_of(db), audited_of(db)])
    with db() as session:
        rows = session.execute(text("SELECT to_jsonb(password_link) FROM password_link")).scalars()
        kept += json.dumps(list(rows))
    for letter in links(db):
        assert read(letter) not in kept
        assert mail_links.fingerprint(read(letter)) in kept


def test_a_letter_to_another_address_holds_another_link(
    identity: Any, ana: Any, db: Sessions
) -> None:
    ask(identity, db)
    seed = links(db)[-1]["fields"]["link"]
    assert not is_good(identity, mail_links.word(seed, "otra@correo.example"))
    assert not is_good(identity, seed)
    assert is_good(identity, mail_links.word(seed, MAIL))


def test_links_stay_good_when_keys_rotate(
    identity: Any, ana: Any, db: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a letter that is composed after it; without the key there is none."""
    ask(identity, db)
    word, letter, old = last(db), links(db)[-1], settings().secret_key
    monkeypatch.setattr(settings(), "secret_key", "k" * 40)
    with pytest.raises(LookupError):
        read(letter)
    assert is_good(identity, word)
    monkeypatch.setattr(settings(), "former_keys", old)
    assert read(letter) == word
    ask(identity, db)
    assert is_good(identity, last(db))
