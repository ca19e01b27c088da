"""Who has no password shows by the company's provider who asks, and sets up a second factor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from services.identity import proofs
from shared import clock, trace
from shared.contract import Actor
from shared.contracts.identity import NewUser, RoleChange, Session, Ticket, UserState
from shared.errors import Conflict, Denied, Invalid
from shared.permissions import Role
from tests.databases import audited_of
from tests.provider.running import Running
from tests.rooms.identity.coming import come
from tests.rooms.identity.telephones import HERE, PASSWORD, Phone, make, turn_on

pytestmark = pytest.mark.usefixtures("of_the_company")


@pytest.fixture
def bea(identity: Any, company: Running, of_the_company: None) -> Any:
    """By the company's account alone: no password, no mail address."""
    assert of_the_company is None  # a user without password or address is made where there is one
    company.know("bea")
    new = NewUser(username="bea", full_name="Bea Luna", role=Role.ADVISOR)
    return identity.create_user(new)


@contextmanager
def signed_in(identity: Any, company: Running, account: str = "bea") -> Iterator[str]:
    """The token of a session, and the one whose it is asks."""
    session = come(identity, company, account)
    assert isinstance(session, Session)
    with acting(session.actor):
        yield session.token


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    with trace.use(actor=actor, idempotency_key=trace.idempotency_key()):
        yield


def prove(identity: Any, company: Running, token: str, account: str = "bea") -> None:
    way = identity.begin_provider_proof()
    answer = company.answer(way.address, account)
    identity.finish_provider_proof(token, way.kept, answer["state"], answer["code"], HERE)


def set_up(identity: Any, token: str, password: str = "") -> Phone:
    phone = Phone(identity.prepare_second_factor().secret)
    identity.set_second_factor(token, password, phone.code(-1), HERE)
    return phone


# --- no password is needed ---


def test_who_comes_by_the_provider_needs_no_password_and_is_invited_no_more(
    identity: Any, bea: Any, company: Running
) -> None:
    assert (bea.state, bea.has_password) == (UserState.INVITED, False)
    with signed_in(identity, company) as token:
        assert identity.get_session(token).actor.username == "bea"
    found = identity.get_user(bea.id)
    assert (found.state, found.has_password) == (UserState.ACTIVE, False)


def test_unlinked_there_is_no_way_in_again(identity: Any, bea: Any, company: Running) -> None:
    with signed_in(identity, company) as token:
        pass
    identity.unlink_provider_account(bea.id)
    assert identity.get_user(bea.id).state is UserState.INVITED
    with pytest.raises(Denied):
        identity.get_session(token)


def test_without_a_provider_a_user_needs_password_or_mail(identity: Any, setting: Any) -> None:
    setting(issuer="")
    with pytest.raises(Invalid, match="invitación"):
        identity.create_user(NewUser(username="bea", full_name="Bea Luna", role=Role.ADVISOR))


# --- the proof ---


@pytest.mark.usefixtures("bea")
def test_a_second_factor_is_set_up_renewed_and_removed_without_a_password(
    identity: Any, company: Running
) -> None:
    with signed_in(identity, company) as token:
        before = identity.get_second_factor(token)
        assert (before.by_password, before.by_provider, before.proved_until) == (False, True, None)
        with pytest.raises(Invalid, match="Confirme que es usted") as error:
            set_up(identity, token)
        assert error.value.fields[0].field == "password"
        prove(identity, company, token)
        assert identity.get_second_factor(token).proved_until > clock.now()
        phone = set_up(identity, token)
    given = come(identity, company, "bea")
    assert isinstance(given, Ticket)
    session = identity.finish_log_in(given.ticket, phone.code(), HERE)
    with acting(session.actor):
        prove(identity, company, session.token)
        assert identity.renew_recovery_codes(session.token, "", phone.code(1), HERE).codes
    told = [row for row in audited_of(identity.db) if "second_factor" in row["action"]]
    assert [row["purpose"] for row in told] == ["La cuenta de la empresa"]


@pytest.mark.usefixtures("bea")
def test_a_proof_is_for_one_change_of_one_session(identity: Any, company: Running) -> None:
    with signed_in(identity, company) as other, signed_in(identity, company) as token:
        prove(identity, company, token)
        with pytest.raises(Invalid, match="Confirme"):
            set_up(identity, other)
        phone = set_up(identity, token)
        with pytest.raises(Invalid, match="Confirme"):
            identity.remove_second_factor(token, "", phone.code(), HERE)
        prove(identity, company, token)
        identity.remove_second_factor(token, "", phone.code(), HERE)
        with pytest.raises(Invalid, match="Confirme"):
            set_up(identity, token)


@pytest.mark.usefixtures("bea")
def test_a_proof_that_failed_at_the_code_may_be_used_again(identity: Any, company: Running) -> None:
    with signed_in(identity, company) as token:
        prove(identity, company, token)
        identity.prepare_second_factor()
        with pytest.raises(Invalid, match="código"):
            identity.set_second_factor(token, "", "000000", HERE)
        set_up(identity, token)


@pytest.mark.usefixtures("bea")
def test_a_proof_ends_by_itself_and_does_not_hold_the_token(
    identity: Any, company: Running, redis: Redis
) -> None:
    with signed_in(identity, company) as token:
        prove(identity, company, token)
        (name,) = redis.scan_iter("*identity:proof:*")
        assert token not in name.decode()
        assert 0 < redis.ttl(name) <= proofs.LIFETIME.total_seconds()
        redis.delete(name)
        with pytest.raises(Invalid, match="Confirme"):
            set_up(identity, token)


@pytest.mark.usefixtures("bea")
def test_who_has_a_password_and_the_account_may_use_either(
    identity: Any, company: Running, ana: Any
) -> None:
    with signed_in(identity, company, "ana") as token:
        found = identity.get_second_factor(token)
        assert (found.by_password, found.by_provider) == (True, True)
        prove(identity, company, token, "ana")
        with pytest.raises(Invalid, match="No es su contraseña"):
            set_up(identity, token, "no es esta")  # what is typed counts
        phone = set_up(identity, token)
    with acting(Actor(user_id=ana.id, username="ana", full_name="A", role=Role.ADVISOR)):
        identity.remove_second_factor("-", PASSWORD, phone.code(), HERE)


# --- whose, and when ---


@pytest.mark.usefixtures("bea")
@pytest.mark.parametrize(
    "wrong", ["long_ago", "no_auth_time", "auth_time_in_words", "auth_time_to_come"]
)
def test_a_session_of_before_at_the_provider_is_no_proof(
    identity: Any, company: Running, wrong: str
) -> None:
    with signed_in(identity, company) as token:
        way = identity.begin_provider_proof()
        assert "max_age=0" in way.address
        assert "prompt=login" in way.address
        company.tell("wrong", wrong)
        with pytest.raises(Denied, match="No se pudo comprobar"):
            prove(identity, company, token)
        assert identity.get_second_factor(token).proved_until is None
        company.tell("wrong", "just_before")  # clocks differ
        prove(identity, company, token)


@pytest.mark.usefixtures("bea", "ana")
def test_the_account_of_another_proves_nothing(identity: Any, company: Running) -> None:
    with signed_in(identity, company, "ana"):
        pass
    with signed_in(identity, company) as token:
        with pytest.raises(Denied, match="no es su cuenta"):
            prove(identity, company, token, "ana")
        assert identity.get_second_factor(token).proved_until is None


@pytest.mark.usefixtures("bea")
def test_a_log_in_is_no_proof_and_a_proof_no_log_in(identity: Any, company: Running) -> None:
    with signed_in(identity, company) as token:
        way = identity.begin_provider_log_in()
        answer = company.answer(way.address, "bea")
        brought = (way.kept, answer["state"], answer["code"], HERE)
        with pytest.raises(Denied, match="otro navegador"):
            identity.finish_provider_proof(token, *brought)
        way = identity.begin_provider_proof()
        answer = company.answer(way.address, "bea")
        brought = (way.kept, answer["state"], answer["code"], HERE)
        with pytest.raises(Denied, match="otro navegador"):
            identity.finish_provider_log_in(*brought)
        identity.finish_provider_proof(token, *brought)
        with pytest.raises(Denied, match="ya se usó"):
            identity.finish_provider_proof(token, *brought)


@pytest.mark.usefixtures("bea", "ana")
def test_what_one_began_another_does_not_end(identity: Any, company: Running) -> None:
    with signed_in(identity, company):
        way = identity.begin_provider_proof()
    answer = company.answer(way.address, "ana")
    with signed_in(identity, company, "ana") as token, pytest.raises(Denied, match="navegador"):
        identity.finish_provider_proof(token, way.kept, answer["state"], answer["code"], HERE)


def test_who_is_not_linked_is_not_led_there(identity: Any, ana: Any) -> None:
    with (
        acting(Actor(user_id=ana.id, username="ana", full_name="A", role=Role.ADVISOR)),
        pytest.raises(Conflict, match="vinculado"),
    ):
        identity.begin_provider_proof()


# --- where a role requires one ---


def test_who_must_have_one_sets_it_up_and_goes_on(
    identity: Any, company: Running, bea: Any
) -> None:
    boss = make(identity, "eva", Role.ADMIN)
    turn_on(identity, boss)
    with acting(Actor(user_id=boss.id, username="eva", full_name="E", role=Role.ADMIN)):
        identity.update_role(bea.role, RoleChange.to(requires_second_factor=True))
    with signed_in(identity, company) as token:
        assert identity.get_session(token).restricted
        prove(identity, company, token)
        set_up(identity, token)
        found = identity.get_session(token)
        assert not found.restricted
        assert found.permissions
