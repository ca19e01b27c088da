"""Faults in the second factor: codes that are good twice, and ways around it."""

from tests.mutants.mutant import Mutant

ROOM = "tests/rooms/identity/test_second_factor.py"
OWN = "tests/rooms/identity/test_own_second_factor.py"
PAGES = "tests/unit/gateway/test_second_factor.py"
CODES = "services/identity/second_factor.py"
DOORS = "services/identity/second_factor_doors.py"

MUTANTS = [
    Mutant(
        "a_code_of_the_telephone_is_good_twice",
        CODES,
        "(SecondFactor.last_step < step)",
        "(SecondFactor.last_step <= step)",
        (f"{ROOM}::test_a_code_is_taken_once_and_none_from_before_it",),
    ),
    Mutant(
        "a_recovery_code_is_good_twice",
        CODES,
        "    used = update(RecoveryCode).where(is_good, RecoveryCode.used_at.is_(None))\n",
        "    used = update(RecoveryCode).where(is_good)\n",
        (f"{ROOM}::test_each_recovery_code_is_good_once_however_it_is_typed",),
    ),
    Mutant(
        "telephones_may_be_minutes_off",
        CODES,
        "DRIFT = 1 ",
        "DRIFT = 5 ",
        (f"{ROOM}::test_a_clock_may_be_off_by_a_step_and_no_more",),
    ),
    Mutant(
        "a_ticket_opens_two_sessions",
        DOORS,
        "            if good and not tickets.take(self.redis, ticket):",
        "            if good and tickets.take(self.redis, ticket) is None:",
        (f"{ROOM}::test_a_ticket_is_good_for_one_session_also_with_two_good_codes",),
    ),
    Mutant(
        "a_ticket_outlives_another_password",
        DOORS,
        "        if was_reset or user.version != found.version:",
        "        if was_reset:",
        (f"{ROOM}::test_a_ticket_is_worth_nothing_when_the_user_was_changed_since",),
    ),
    Mutant(
        "codes_are_guessed_as_fast_as_one_likes",
        DOORS,
        "        counted = tries.begin_code(self.redis, user.username, source, device)",
        "        counted = tries._code_buckets(user.username, source, device)",
        (f"{ROOM}::test_wrong_codes_are_slowed_down_and_a_right_password_forgets_none",),
    ),
    Mutant(
        "codes_are_guessed_from_everywhere",
        "services/identity/tries.py",
        '    return [own, Bucket("identity", name, FREE_CODES, FIRST_SECONDS, LONGEST_SECONDS)]',
        "    return [own]",
        (f"{ROOM}::test_who_guesses_from_everywhere_is_slowed_down_and_a_known_browser_is_not",),
    ),
    Mutant(
        "another_telephone_needs_only_the_password",
        DOORS,
        "        if has_one:",
        "        if False:",
        (f"{OWN}::test_another_telephone_needs_a_code_of_the_present_one",),
    ),
    Mutant(
        "what_the_role_requires_is_turned_off",
        DOORS,
        "            if _is_required(session, actor.user_id):",
        "            if False:",
        (f"{OWN}::test_what_the_role_requires_is_not_turned_off",),
    ),
    Mutant(
        "who_has_to_set_it_up_keeps_all_rights",
        "services/identity/known.py",
        "frozenset() if restricted else frozenset(permissions)",
        "frozenset(permissions)",
        (f"{OWN}::test_who_has_none_and_needs_one_may_do_nothing_until_it_is_set",),
    ),
    Mutant(
        "administrators_require_what_they_have_not_tried",
        "services/identity/role_doors.py",
        "            roles.check_own_requirement(session, role, sent, trace.actor())\n",
        "",
        (f"{OWN}::test_nobody_requires_of_the_own_role_what_was_not_tried",),
    ),
    Mutant(
        "a_seal_opens_on_anybodys_row",
        "services/identity/seals.py",
        "    return secret if owner == str(user_id) else None",
        "    return secret",
        (f"{OWN}::test_a_seal_is_of_one_user_and_of_the_keys_that_are_known",),
    ),
    Mutant(
        "former_keys_are_needed_for_ever",
        CODES,
        "            factor.sealed = sealed\n",
        "",
        (f"{OWN}::test_a_seal_is_of_one_user_and_of_the_keys_that_are_known",),
    ),
    Mutant(
        "pages_are_open_before_it_is_set_up",
        "services/gateway/routing.py",
        "        if session.restricted and allow is not SETTING_UP:",
        "        if False:",
        (
            f"{PAGES}::test_every_page_leads_to_the_set_up_and_every_call_of_the_api_names_the_remedy",
        ),
    ),
    Mutant(
        "rooms_are_asked_before_it_is_set_up",
        "services/gateway/asking.py",
        "        if self._restricted and procedure not in _SETTING_UP:",
        "        if False:",
        (f"{PAGES}::test_no_room_is_asked_in_a_restricted_name_whatever_the_route",),
    ),
    Mutant(
        "the_ticket_stays_in_the_browser",
        "services/gateway/routes/second_factor.py",
        "        sessions.forget_ticket(response)\n        return response\n",
        "        return response\n",
        (f"{PAGES}::test_an_old_ticket_leads_back_to_the_log_in_with_where_one_was_going",),
    ),
]
