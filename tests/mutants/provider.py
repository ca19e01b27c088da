"""Faults in the sign-in by the company's provider: whom it would let in."""

from tests.mutants.mutant import Mutant

ROOM = "tests/rooms/identity/test_provider.py"
PROOF = "tests/rooms/identity/test_provider_proof.py"
PAGES = "tests/unit/gateway/test_provider.py"
TOKENS = "services/identity/id_tokens.py"
DOORS = "services/identity/provider_doors.py"
UNPROVED = f"{ROOM}::test_what_cannot_be_proved_opens_nothing"
ONE_WAY = f"{ROOM}::test_a_code_is_no_way_in_by_itself"

MUTANTS = [
    Mutant(
        "a_nonce_of_another_is_as_good",
        TOKENS,
        '        "nonce": {"essential": True, "value": nonce},\n    }\n'
        '    about = {"nonce": nonce, "client_id": own}',
        '    }\n    about = {"client_id": own}',
        (UNPROVED,),
    ),
    Mutant(
        "a_token_for_another_client_is_ours",
        TOKENS,
        '        "aud": {"essential": True, "value": own},\n        "sub": {"essential": True},\n'
        '        "exp": {"essential": True},\n        "iat": {"essential": True},\n'
        '        "nonce": {"essential": True, "value": nonce},\n    }\n'
        '    about = {"nonce": nonce, "client_id": own}',
        '        "nonce": {"essential": True, "value": nonce},\n    }\n'
        '    about = {"nonce": nonce}',
        (UNPROVED,),
    ),
    Mutant(
        "another_issuer_vouches",
        TOKENS,
        '        "iss": {"essential": True, "value": settings().oidc_issuer},\n',
        "",
        (UNPROVED,),
    ),
    Mutant(
        "clocks_may_differ_by_a_quarter_of_an_hour",
        TOKENS,
        "CLOCKS_DIFFER = 60 ",
        "CLOCKS_DIFFER = 900 ",
        (UNPROVED,),
    ),
    Mutant(
        "a_name_is_folded_before_it_is_looked_at",
        TOKENS,
        "    if not isinstance(name, str) or not name.isascii():",
        "    if not isinstance(name, str):",
        (f"{ROOM}::test_names_that_only_look_like_a_user_are_none",),
    ),
    Mutant(
        "an_address_that_nobody_verified_counts",
        TOKENS,
        'claims.get("email_verified") is not True',
        'not claims.get("email_verified", True)',
        (f"{ROOM}::test_an_address_counts_when_it_is_verified_and_of_the_company",),
    ),
    Mutant(
        "an_address_of_anywhere_counts",
        TOKENS,
        '        name = name if of == domain else ""\n',
        "",
        (f"{ROOM}::test_an_address_counts_when_it_is_verified_and_of_the_company",),
    ),
    Mutant(
        "the_state_is_not_compared",
        "services/identity/trips.py",
        "    return trip if secrets.compare_digest(trip.state.encode(), state.encode()) else None",
        "    return trip",
        (ONE_WAY,),
    ),
    Mutant(
        "an_answer_is_good_twice",
        DOORS,
        "trip.proves != proves or not trips.take(self.redis, trip):",
        "trip.proves != proves or trips.take(self.redis, trip) is None:",
        (f"{ROOM}::test_an_answer_is_good_once",),
    ),
    Mutant(
        "a_reused_name_takes_over",
        "services/identity/provider_accounts.py",
        "    if linked is None and not is_of(session, issuer, subject, user.id):",
        "    if False:",
        (f"{ROOM}::test_a_name_that_was_given_to_another_opens_nothing",),
    ),
    Mutant(
        "who_comes_is_not_counted",
        DOORS,
        "        counted = tries.begin_provider(self.redis, source)\n",
        "        counted = [tries._of_source(source)]\n",
        (f"{ROOM}::test_those_who_try_are_counted_by_their_address",),
    ),
    Mutant(
        "any_method_is_a_second_factor",
        TOKENS,
        '    return isinstance(methods, list) and "mfa" in methods',
        "    return bool(methods)",
        (f"{ROOM}::test_the_providers_word_is_enough_where_that_is_set_and_it_is_said",),
    ),
    Mutant(
        "an_answer_may_be_of_any_size",
        "services/identity/provider_wire.py",
        "        if len(read) > LARGEST:",
        "        if False:",
        (f"{ROOM}::test_an_odd_answer_costs_a_moment_and_says_that_it_is_not_there",),
    ),
    Mutant(
        "passwords_are_for_all_where_they_are_for_administrators",
        "services/identity/service.py",
        "            admission.check_way(self.db, user)\n",
        "",
        (f"{ROOM}::test_with_it_alone_a_password_is_for_administrators",),
    ),
    Mutant(
        "unlinking_leaves_the_sessions",
        DOORS,
        "        audit.record(session, *what)\n        sessions.end_all(self.redis, user_id)\n",
        "        audit.record(session, *what)\n",
        (f"{ROOM}::test_unlinking_ends_the_sessions_and_is_on_record",),
    ),
    Mutant(
        "what_was_kept_leads_anywhere",
        "services/gateway/session.py",
        "    return kept, local_path(unquote(leads_to))",
        '    return kept, unquote(leads_to) or "/"',
        (f"{PAGES}::test_a_cookie_that_somebody_wrote_leads_nowhere_else",),
    ),
    Mutant(
        "a_session_of_before_is_a_proof",
        TOKENS,
        "    if not asked_at - CLOCKS_DIFFER <= at <= latest:",
        "    if at > latest:",
        (f"{PROOF}::test_a_session_of_before_at_the_provider_is_no_proof",),
    ),
    Mutant(
        "without_auth_time_it_is_fresh",
        TOKENS,
        "    if type(at) is not int:",
        "    if at is None:\n        return\n    if type(at) is not int:",
        (f"{PROOF}::test_a_session_of_before_at_the_provider_is_no_proof",),
    ),
    Mutant(
        "a_log_in_is_a_proof_too",
        DOORS,
        "if trip is None or trip.proves != proves or not",
        "if trip is None or not",
        (
            f"{PROOF}::test_a_log_in_is_no_proof_and_a_proof_no_log_in",
            f"{PROOF}::test_what_one_began_another_does_not_end",
        ),
    ),
    Mutant(
        "anybodys_account_proves_it",
        DOORS,
        "            if not provider_accounts.is_of(session, *account, user_id):",
        "            if not claims:",
        (f"{PROOF}::test_the_account_of_another_proves_nothing",),
    ),
    Mutant(
        "a_proof_is_good_for_all_sessions",
        "services/identity/proofs.py",
        "hashlib.sha256(token.encode()).hexdigest()",
        'hashlib.sha256(b"all").hexdigest()',
        (f"{PROOF}::test_a_proof_is_for_one_change_of_one_session",),
    ),
    Mutant(
        "a_proof_is_never_used_up",
        "services/identity/proofs.py",
        "    redis.delete(_key(token))",
        "    redis.exists(_key(token))",
        (f"{PROOF}::test_a_proof_is_for_one_change_of_one_session",),
    ),
    Mutant(
        "who_has_no_password_never_comes_in",
        "services/identity/models.py",
        "        return not self.has_password and not self.provider_account",
        "        return not self.has_password",
        (f"{PROOF}::test_who_comes_by_the_provider_needs_no_password_and_is_invited_no_more",),
    ),
    Mutant(
        "a_stranger_is_only_down",
        "services/identity/provider_wire.py",
        "        except SSLError as error:\n",
        "        except ZeroDivisionError as error:\n",
        ("tests/rooms/identity/test_provider_tls.py",),
    ),
    Mutant(
        "the_houses_ca_is_not_asked",
        "services/identity/provider_wire.py",
        "        context = tls.context(settings().ca_file)\n",
        '        context = tls.context("")\n',
        ("tests/rooms/identity/test_provider_tls.py",),
    ),
]
