"""Faults in the second factor: codes that are good twice, and ways around it."""

from tests.mutants.mutant import Mutant

ROOM = "tests/rooms/identity/test_second_factor.py"
PAGES = "tests/unit/gateway/test_second_factor.py"
CODES = "services/identity/second_factor.py"
DOORS = "services/identity/second_factor_doors.py"

MUTANTS = [
    Mutant(
        "a_code_of_the_telephone_is_good_twice",
        CODES,
        "(SecondFactor.last_step < step)",
        "(SecondFactor.last_step <= step)",
        (ROOM,),
    ),
    Mutant(
        "a_recovery_code_is_good_twice",
        CODES,
        "    used = update(RecoveryCode).where(is_good, RecoveryCode.used_at.is_(None))\n",
        "    used = update(RecoveryCode).where(is_good)\n",
        (ROOM,),
    ),
    Mutant("telephones_may_be_minutes_off", CODES, "DRIFT = 1 ", "DRIFT = 5 ", (ROOM,)),
    Mutant(
        "a_ticket_opens_two_sessions",
        DOORS,
        "            if good and not tickets.take(self.redis, ticket):",
        "            if good and tickets.take(self.redis, ticket) is None:",
        (ROOM,),
    ),
    Mutant(
        "a_ticket_outlives_another_password",
        DOORS,
        "        if user.version != found.version:",
        "        if False:",
        (ROOM,),
    ),
    Mutant(
        "codes_are_guessed_as_fast_as_one_likes",
        DOORS,
        "        counted = tries.begin_code(self.redis, user.username, source, device)",
        "        counted = tries._code_buckets(user.username, source, device)",
        (ROOM,),
    ),
    Mutant(
        "codes_are_guessed_from_everywhere",
        "services/identity/tries.py",
        '    return [own, Bucket("identity", name, FREE_CODES, FIRST_SECONDS, LONGEST_SECONDS)]',
        "    return [own]",
        (ROOM,),
    ),
    Mutant(
        "another_telephone_needs_only_the_password",
        DOORS,
        "        if has_one:",
        "        if False:",
        (ROOM,),
    ),
    Mutant(
        "what_the_role_requires_is_turned_off",
        DOORS,
        "            if _is_required(session, actor.user_id):",
        "            if False:",
        (ROOM,),
    ),
    Mutant(
        "who_has_to_set_it_up_keeps_all_rights",
        "services/identity/known.py",
        "frozenset() if restricted else frozenset(permissions)",
        "frozenset(permissions)",
        (ROOM,),
    ),
    Mutant(
        "administrators_require_what_they_have_not_tried",
        "services/identity/role_doors.py",
        "            roles.check_own_requirement(session, role, sent, trace.actor())\n",
        "",
        (ROOM,),
    ),
    Mutant(
        "a_seal_opens_on_anybodys_row",
        "services/identity/seals.py",
        "    return secret if owner == str(user_id) else None",
        "    return secret",
        (ROOM,),
    ),
    Mutant(
        "former_keys_are_needed_for_ever",
        CODES,
        "            factor.sealed = sealed\n",
        "",
        (ROOM,),
    ),
    Mutant(
        "pages_are_open_before_it_is_set_up",
        "services/gateway/routing.py",
        "        if session.restricted and allow is not SETTING_UP:",
        "        if False:",
        (PAGES,),
    ),
    Mutant(
        "rooms_are_asked_before_it_is_set_up",
        "services/gateway/asking.py",
        "        if self._restricted and procedure not in _SETTING_UP:",
        "        if False:",
        (PAGES,),
    ),
    Mutant(
        "the_ticket_stays_in_the_browser",
        "services/gateway/routes/second_factor.py",
        "        sessions.forget_ticket(response)\n        return response\n",
        "        return response\n",
        (PAGES,),
    ),
]
