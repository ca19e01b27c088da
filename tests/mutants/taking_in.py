"""Faults in how doors take people in: tries, fronts, bodies, names, what is written down."""

from tests.mutants.mutant import Mutant

IDENTITY = "tests/rooms/identity/test_identity.py"
GUARDS = "tests/unit/gateway/test_guards.py"
PROXIES = "tests/unit/shared/test_proxies.py"
FAULTS = "tests/unit/shared/test_faults.py"
BODIES = "tests/unit/gateway/test_bodies.py"
SERVE = "tests/unit/gateway/test_serve.py"
RISK = "tests/rooms/telemarketing/test_risk.py"
CALLS = "tests/rooms/telemarketing/test_calls.py"
SOAP_LIMITS = "tests/soap/test_limits.py"
BY_ADDRESS = (
    f"{IDENTITY}::test_an_address_is_slowed_down_after_fifty_failures_whoever_they_were_for"
)

MUTANTS = [
    # --- log-ins ---
    Mutant(
        "no_throttle_by_address",
        "services/identity/tries.py",
        "FREE_OF_SOURCE = 50 ",
        "FREE_OF_SOURCE = 5000 ",
        (BY_ADDRESS,),
    ),
    Mutant(
        "a_user_may_fail_six_times",
        "services/identity/tries.py",
        "FREE = 5 ",
        "FREE = 6 ",
        (f"{IDENTITY}::test_from_the_fifth_wrong_password_on_one_waits_twice_as_long_each_time",),
    ),
    Mutant(
        "the_delay_does_not_grow",
        "shared/throttle.py",
        "first * 2 ^ math.min(n - free, 30)",
        "first * 1",
        (f"{IDENTITY}::test_from_the_fifth_wrong_password_on_one_waits_twice_as_long_each_time",),
    ),
    Mutant(
        "strangers_keep_the_user_out_everywhere",
        "services/identity/tries.py",
        'Bucket("identity", f"user {username} {source}"',
        'Bucket("identity", f"user {username}"',
        (f"{IDENTITY}::test_what_a_stranger_guesses_elsewhere_keeps_nobody_waiting",),
    ),
    Mutant(
        "anybodys_device_is_everybodys",
        "services/identity/tries.py",
        "return str(number) if mark == _mark(username) else None",
        "return str(number)",
        (f"{IDENTITY}::test_a_device_is_of_one_user_signed_and_itself_slowed_down",),
    ),
    Mutant(
        "a_good_log_in_forgets_the_address",
        "services/identity/tries.py",
        "    throttle.give_back(redis, buckets[1:])\n",
        "    throttle.forget(redis, *buckets)\n",
        (f"{IDENTITY}::test_a_good_log_in_leaves_the_count_of_its_address",),
    ),
    Mutant(
        "failures_are_forgotten_in_a_minute",
        "shared/throttle.py",
        "MEMORY_SECONDS = 3600 ",
        "MEMORY_SECONDS = 60 ",
        (f"{IDENTITY}::test_counts_are_forgotten_an_hour_after_the_last_failure",),
    ),
    Mutant(
        "everybody_says_where_they_come_from",
        "shared/proxies.py",
        "    if not is_trusted(direct.address):\n        return direct\n",
        "",
        (f"{PROXIES}::test_a_stranger_is_believed_nothing",),
    ),
    Mutant(
        "the_left_end_of_the_chain_counts",
        "shared/proxies.py",
        "for name in reversed(names):",
        "for name in names:",
        (PROXIES,),
    ),
    Mutant(
        "what_is_announced_is_read_all_the_same",
        "services/gateway/bodies.py",
        "        if announced > takes:",
        "        if False:",
        (f"{BODIES}::test_a_length_that_is_announced_too_large_is_not_even_read",),
    ),
    Mutant(
        "what_a_body_holds_is_not_counted",
        "services/gateway/bodies.py",
        "        if read > takes:",
        "        if False:",
        (f"{BODIES}::test_a_page_with_a_file_takes_ten_megabytes_and_no_more",),
    ),
    Mutant(
        "bodies_are_read_before_it_is_known_who_asks",
        "services/gateway/routing.py",
        "                await check(request)\n                bodies.limit(request, takes)\n",
        "                await request.body()\n                await check(request)\n",
        (f"{BODIES}::test_nothing_is_read_of_those_who_may_not",),
    ),
    Mutant(
        "slow_senders_are_waited_for",
        "services/gateway/bodies.py",
        "asyncio.timeout(max(0.0, patience))",
        "asyncio.timeout(None)",
        (f"{SERVE}::test_a_body_that_stops_in_the_middle_is_answered_and_cut",),
    ),
    Mutant(
        "any_host_will_do",
        "services/gateway/guards.py",
        "if len(names) == 1 and _name(names[0]) in _our_names(settings()):",
        "if True:",
        (f"{GUARDS}::test_who_asks_by_another_name_gets_400",),
    ),
    Mutant(
        "errors_are_written_down_whole",
        "shared/log.py",
        "structlog.processors.ExceptionRenderer(faults.render)",
        "structlog.processors.format_exc_info",
        (f"{FAULTS}::test_no_data_stands_in_a_log_of_ours_or_of_a_librarys",),
    ),
    # --- the bureau and the desk ---
    Mutant(
        "the_bureaus_guessers_are_not_slowed_down",
        "services/risk_central/credentials.py",
        "        if seconds:\n            raise _too_many(seconds)\n",
        "",
        (f"{SOAP_LIMITS}::test_whoever_guesses_is_slowed_down_and_nobody_else",),
    ),
    Mutant(
        "each_one_asks_the_bureau",
        "services/telemarketing/bureau.py",
        "self._flights.ask(cedula, seconds, lambda: self._find(cedula))",
        "self._find(cedula)",
        (f"{RISK}::test_two_who_ask_about_the_same_person_at_once_ask_once",),
    ),
    Mutant(
        "wrong_credentials_are_a_bureau_that_is_down",
        "services/telemarketing/bureau.py",
        "self.refused = _is_refusal(error)",
        "self.refused = False",
        (f"{RISK}::test_wrong_credentials_are_told_apart_and_to_who_can_mend_them",),
    ),
    Mutant(
        "a_second_result_is_taken_for_the_first",
        "services/telemarketing/service.py",
        "        results.check_same(call, new)\n",
        "",
        (f"{CALLS}::test_a_second_result_for_a_lease_is_refused_with_the_first",),
    ),
    Mutant(
        "callbacks_are_agreed_at_any_hour",
        "services/telemarketing/results.py",
        "    rules.check_lawful(follows.callback_at, settings().calling_hours, GUAYAQUIL)\n",
        "",
        (f"{CALLS}::test_nobody_agrees_to_a_call_outside_of_legal_hours",),
    ),
]
