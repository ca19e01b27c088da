"""Sign-in by the company's provider: a real one, which does everything wrong in its turn."""

import json
import time
from datetime import timedelta
from typing import Any

import eventlet
import pytest
from cryptography.fernet import Fernet
from redis import Redis
from sqlalchemy import text

from services.identity import provider, provider_wire, trips
from shared import clock, trace
from shared.contracts.audit import describe
from shared.contracts.identity import Session, Ticket, UserChange
from shared.errors import Conflict, Denied, NotFound, Unavailable
from shared.permissions import Role
from shared.settings import settings
from tests.databases import audited_of
from tests.provider.running import Running
from tests.rooms.identity.coming import come
from tests.rooms.identity.telephones import HERE, PASSWORD, make, turn_on

pytestmark = pytest.mark.usefixtures("of_the_company")


def refused(identity: Any, company: Running, words: str, account: str = "ana") -> None:
    with pytest.raises(Denied, match=words):
        come(identity, company, account)


def records(identity: Any) -> list[dict[str, Any]]:
    return [row for row in audited_of(identity.db) if row["action"] != "created"]


# --- the way in ---


def test_the_first_sign_in_links_the_account_and_the_next_ones_go_by_its_number(
    identity: Any, ana: Any, company: Running
) -> None:
    session = come(identity, company)
    assert isinstance(session, Session)
    assert identity.get_session(session.token).actor.username == "ana"
    company.know("renamed", sub="sub-of-ana", preferred_username="otro.nombre")
    assert come(identity, company, "renamed").actor.user_id == ana.id
    found = identity.list_users().items
    assert [user.provider_account for user in found] == [True]
    told = [(row["action"], row["username"], row["purpose"]) for row in records(identity)]
    way = "La cuenta de la empresa"
    assert told == [("provider_linked", "ana", ""), *[("log_in", "ana", way)] * 2]


def test_the_record_tells_the_way_in_words(identity: Any, ana: Any, company: Running) -> None:
    assert ana
    come(identity, company)

    class Line:
        def __init__(self, row: dict[str, Any]) -> None:
            vars(self).update({**row, "role_name": "Asesor", "object_kind": None})

    said = [describe(Line(row)) for row in records(identity)]
    assert said == [
        "Ana Mora (asesor) vinculó la cuenta de la empresa",
        "Ana Mora (asesor) ingresó por la cuenta de la empresa",
    ]


def test_a_name_that_was_given_to_another_opens_nothing(
    identity: Any, ana: Any, company: Running
) -> None:
    """The claim is reused; or whoever may change it at the provider wants to be somebody else."""
    assert ana
    come(identity, company)
    company.know("thief", sub="another", preferred_username="ana")
    refused(identity, company, "otra cuenta de la empresa", "thief")
    assert records(identity)[-1]["action"] == "log_in_failed"


def test_nobody_becomes_a_user_by_it(identity: Any, company: Running) -> None:
    company.know("nadie")
    refused(identity, company, "no tiene un usuario", "nadie")
    assert identity.list_users().items == []
    (row,) = records(identity)
    assert (row["action"], row["purpose"]) == ("log_in_failed", "La cuenta de la empresa")
    assert "nadie" not in json.dumps(row)


@pytest.mark.parametrize("name", ["", "\u212aate", "ana@otra.example", "ana\u0000", 7, None])
def test_names_that_only_look_like_a_user_are_none(
    identity: Any, ana: Any, company: Running, name: Any
) -> None:
    assert ana
    make(identity, "kate")
    company.know("odd", sub=f"odd {name!r}", preferred_username=name)
    refused(identity, company, "no tiene un usuario", "odd")


def test_a_capital_is_the_same_letter(identity: Any, ana: Any, company: Running) -> None:
    company.know("capital", sub="sub-of-ana", preferred_username=" ANA ")
    assert come(identity, company, "capital").actor.user_id == ana.id


@pytest.mark.parametrize(
    ("verified", "email", "enters"),
    [
        (True, "ana@empresa.example", True),
        (False, "ana@empresa.example", False),
        ("true", "ana@empresa.example", False),
        (True, "ana@otra.example", False),
        (True, "ana@x@empresa.example", False),
        (True, "ana", False),
    ],
)
def test_an_address_counts_when_it_is_verified_and_of_the_company(
    identity: Any, ana: Any, company: Running, setting: Any, verified: Any, email: str, enters: bool
) -> None:
    assert ana
    setting(claim="email", domain="empresa.example")
    company.know("ana", email=email, email_verified=verified)
    if enters:
        assert come(identity, company).actor.username == "ana"
    else:
        refused(identity, company, "no tiene un usuario")


def test_who_is_inactive_or_ended_stays_out_and_is_not_linked(
    identity: Any, ana: Any, company: Running
) -> None:
    make(identity, "eva", Role.ADMIN)
    identity.update_user(ana.id, UserChange.to(active=False))
    refused(identity, company, "desactivado")
    assert not identity.get_user(ana.id).provider_account
    with trace.use(idempotency_key="active"):
        identity.update_user(ana.id, UserChange.to(active=True))
    come(identity, company)
    yesterday = clock.today() - timedelta(days=1)
    with trace.use(idempotency_key="ended"):
        identity.update_user(ana.id, UserChange.to(ends_on=yesterday))
    refused(identity, company, "terminó")


def test_two_first_sign_ins_at_once_link_once(identity: Any, ana: Any, company: Running) -> None:
    assert ana
    doors = [eventlet.spawn(come, identity, company) for _ in range(3)]
    assert len({door.wait().token for door in doors}) == 3
    assert [row["action"] for row in records(identity)].count("provider_linked") == 1


# --- the second factor ---


def test_the_code_is_asked_for_as_after_a_password(
    identity: Any, ana: Any, company: Running
) -> None:
    phone, _ = turn_on(identity, ana)
    company.know("ana", amr=["pwd", "mfa"])
    given = come(identity, company)
    assert isinstance(given, Ticket)
    session = identity.finish_log_in(given.ticket, phone.code(), HERE)
    assert session.actor.user_id == ana.id
    assert records(identity)[-1]["purpose"] == "La cuenta de la empresa"


@pytest.mark.parametrize(
    ("methods", "enough"), [(["pwd", "mfa"], True), (["pwd"], False), ("mfa", False), (None, False)]
)
def test_the_providers_word_is_enough_where_that_is_set_and_it_is_said(
    identity: Any, ana: Any, company: Running, setting: Any, methods: Any, enough: bool
) -> None:
    setting(trust_mfa="1")
    turn_on(identity, ana)
    company.know("ana", amr=methods)
    if methods == "mfa":  # which is no list, and so no claim of that name
        refused(identity, company, "comprobar")
    else:
        assert isinstance(come(identity, company), Session) == enough


# --- what a provider, or somebody between, may do wrong ---


@pytest.mark.parametrize(
    "wrong",
    [
        *("nonce", "no_nonce", "aud", "azp", "no_azp", "expired", "early", "no_exp", "issuer"),
        *("no_sub", "number_sub", "none", "hs256", "strange_key", "unpublished_key", "garbage"),
        "no_token",
    ],
)
def test_what_cannot_be_proved_opens_nothing(
    identity: Any, ana: Any, company: Running, wrong: str
) -> None:
    assert ana
    company.tell("wrong", wrong)
    refused(identity, company, "No se pudo comprobar")
    assert records(identity) == []
    company.tell("wrong", "")
    assert come(identity, company).token


@pytest.mark.parametrize("wrong", ["huge", "slow", "drip", "status_500", "list", "redirects"])
def test_an_odd_answer_costs_a_moment_and_says_that_it_is_not_there(
    identity: Any, ana: Any, company: Running, wrong: str
) -> None:
    assert ana
    come(identity, company)  # what it says of itself is known
    company.tell("wrong", wrong)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no responde"):
        come(identity, company)
    assert time.monotonic() - began < provider_wire.ALL_SECONDS + 0.9


@pytest.mark.parametrize("wrong", ["description", "plain_token_endpoint"])
def test_a_description_of_another_is_not_followed(
    identity: Any, company: Running, wrong: str
) -> None:
    company.tell("wrong", wrong)
    with pytest.raises(Unavailable):
        identity.begin_provider_log_in()


def test_a_provider_that_is_down_is_asked_by_one_and_others_are_told_at_once(
    identity: Any, setting: Any
) -> None:
    setting(issuer="http://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(Unavailable):
            identity.begin_provider_log_in()
    with pytest.raises(provider_wire.DownError, match="OpenError"):
        provider.shared_provider().find_log_out()


def test_clocks_may_differ_by_a_minute(identity: Any, ana: Any, company: Running) -> None:
    assert ana
    company.tell("wrong", "skewed")
    assert come(identity, company).token


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_key_that_is_new_is_fetched_and_strange_ones_do_not_make_us_ask_all_the_time(
    identity: Any, ana: Any, company: Running, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert ana
    come(identity, company)
    company.tell("rotate", kind)
    monkeypatch.setattr(provider, "ASKED_AGAIN_SECONDS", 0.0)
    assert come(identity, company).token
    monkeypatch.setattr(provider, "ASKED_AGAIN_SECONDS", 30.0)
    before = company.tell("wrong", "unpublished_key")
    for _ in range(3):
        refused(identity, company, "No se pudo comprobar")
    assert company.tell("wrong", "") == before


def test_what_it_says_of_itself_is_asked_for_once(
    identity: Any, ana: Any, company: Running
) -> None:
    assert ana
    come(identity, company)
    before = company.tell("wrong", "")
    come(identity, company)
    assert company.tell("wrong", "") == before


# --- the way is one browser's, short, and good once ---


def test_an_answer_is_good_once(identity: Any, ana: Any, company: Running) -> None:
    assert ana
    way = identity.begin_provider_log_in()
    answer = company.answer(way.address, "ana")
    brought = (way.kept, answer["state"], answer["code"], HERE)
    assert identity.finish_provider_log_in(*brought).token
    with pytest.raises(Denied, match="ya se usó"):
        identity.finish_provider_log_in(*brought)


def test_a_code_is_no_way_in_by_itself(identity: Any, ana: Any, company: Running) -> None:
    """Somebody has the broker's password and asks the room: for a session there is no other way."""
    assert ana
    way = identity.begin_provider_log_in()
    other = identity.begin_provider_log_in()
    answer = company.answer(way.address, "ana")
    forged = Fernet(Fernet.generate_key()).encrypt(b'{"state": "s", "nonce": "n", "verifier": "v"}')
    for kept, state in (
        (other.kept, answer["state"]),  # of another browser
        (way.kept, "another"),
        (way.kept, "ñ"),
        (forged.decode(), "s"),
        ("nothing", answer["state"]),
    ):
        with pytest.raises(Denied, match="otro navegador"):
            identity.finish_provider_log_in(kept, state, answer["code"], HERE)
    trip = trips.find(other.kept, _state_of(other.address))
    assert trip
    with pytest.raises(Denied, match="No se pudo comprobar"):  # the code was given to another way
        identity.finish_provider_log_in(other.kept, trip.state, answer["code"], HERE)


def _state_of(address: str) -> str:
    return address.partition("state=")[2].partition("&")[0]


def test_a_code_that_is_invented_opens_nothing(identity: Any, ana: Any) -> None:
    assert ana
    way = identity.begin_provider_log_in()
    with pytest.raises(Denied, match="No se pudo comprobar"):
        identity.finish_provider_log_in(way.kept, _state_of(way.address), "inventado", HERE)


def test_a_way_ends_after_ten_minutes(
    identity: Any, ana: Any, company: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ana
    way = identity.begin_provider_log_in()
    answer = company.answer(way.address, "ana")
    monkeypatch.setattr(trips, "LIFETIME", timedelta(seconds=-1))
    with pytest.raises(Denied, match="diez minutos"):
        identity.finish_provider_log_in(way.kept, answer["state"], answer["code"], HERE)


def test_nothing_of_the_way_is_kept_as_it_is(
    identity: Any, ana: Any, company: Running, redis: Redis
) -> None:
    assert ana
    way = identity.begin_provider_log_in()
    assert list(redis.scan_iter("*trip*")) == []
    trip = trips.find(way.kept, _state_of(way.address))
    assert trip
    for secret in (trip.nonce, trip.verifier, trip.state):
        assert secret not in way.kept
    assert trip.verifier not in way.address
    assert settings().oidc_client_secret not in way.address
    come(identity, company)
    (name,) = redis.scan_iter("*trip*")
    assert 0 < redis.ttl(name) <= trips._KEPT.total_seconds()


def test_those_who_try_are_counted_by_their_address(
    identity: Any, ana: Any, company: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.identity import tries

    assert ana
    monkeypatch.setattr(tries, "FREE_OF_SOURCE", 3)
    for _ in range(5):
        come(identity, company)  # those who get in are not
    monkeypatch.setattr(tries, "FIRST_OF_SOURCE_SECONDS", 50)
    for _ in range(3):
        with pytest.raises(Denied, match="navegador"):
            identity.finish_provider_log_in("k", "s", "c", HERE)
    with pytest.raises(Denied, match="Espere") as error:
        come(identity, company)
    assert error.value.fields[0].field == "retry_after"


# --- with it alone, unlinking, and without it ---


def test_with_it_alone_a_password_is_for_administrators(
    identity: Any, ana: Any, company: Running, setting: Any
) -> None:
    assert ana
    make(identity, "eva", Role.ADMIN)
    setting(only="1")
    with pytest.raises(Denied, match="cuenta de la empresa"):
        identity.log_in("ana", PASSWORD, HERE)
    with pytest.raises(Denied, match="no son correctos"):
        identity.log_in("ana", "otra-clave-larga", HERE)
    assert identity.log_in("eva", PASSWORD, HERE).token
    assert come(identity, company).token


def test_unlinking_ends_the_sessions_and_is_on_record(
    identity: Any, ana: Any, company: Running
) -> None:
    session = come(identity, company)
    identity.unlink_provider_account(ana.id)
    with pytest.raises(Denied):
        identity.get_session(session.token)
    last = records(identity)[-1]
    assert (last["action"], last["object_kind"], last["object_id"]) == (
        *("provider_unlinked", "user"),
        "ana",
    )
    company.know("new", sub="a-new-number", preferred_username="ana")
    with trace.use(idempotency_key="again"):
        assert come(identity, company, "new").actor.user_id == ana.id
        refused(identity, company, "otra cuenta")  # the former one


def test_what_is_not_linked_is_not_unlinked(identity: Any, ana: Any) -> None:
    with pytest.raises(Conflict, match="no tiene vinculada"):
        identity.unlink_provider_account(ana.id)
    with pytest.raises(NotFound), trace.use(idempotency_key="other"):
        identity.unlink_provider_account(99)


def test_its_log_out_is_known(identity: Any, company: Running) -> None:
    address = identity.find_provider_log_out()
    assert address.startswith(f"{company.issuer}/end?client_id=pregon&post_logout_redirect_uri=")


def test_without_a_provider_there_is_no_way(identity: Any, setting: Any) -> None:
    setting(issuer="")
    with pytest.raises(Conflict):
        identity.begin_provider_log_in()
    with pytest.raises(Conflict):
        identity.finish_provider_log_in("k", "s", "c", HERE)
    assert identity.find_provider_log_out() is None


def test_no_value_of_the_way_is_in_the_outbox(identity: Any, ana: Any, company: Running) -> None:
    assert ana
    come(identity, company)
    with identity.db() as session:
        rows = session.execute(text("SELECT payload FROM outbox")).scalars().all()
    assert "sub-of-ana" not in json.dumps(rows)
