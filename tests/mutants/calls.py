"""Faults in telemarketing: leases, results, hours, lists, risk."""

from tests.mutants.mutant import Mutant

RULES = "tests/unit/telemarketing/test_rules.py"
SETTINGS = "tests/unit/telemarketing/test_settings.py"
LEASES = "tests/rooms/telemarketing/test_leases.py"
CALLS = "tests/rooms/telemarketing/test_calls.py"
CAP = "tests/rooms/telemarketing/test_cap.py"
SHARES = "tests/rooms/telemarketing/test_assignments.py"
RISK = "tests/rooms/telemarketing/test_risk.py"
MERGE = "tests/jobs/telemarketing/test_merge.py"
LIST = "tests/jobs/telemarketing/test_call_list.py"
LISTS = "tests/rooms/telemarketing/test_call_lists.py"
REFUSED = f"{LEASES}::test_who_refuses_leaves_every_queue_and_the_calendar_at_once"

MUTANTS = [
    # --- what follows from a result ---
    Mutant(
        "no_answer_waits_18_minutes",
        "services/telemarketing/rules.py",
        "retry_minutes=180",
        "retry_minutes=18",
        (RULES,),
    ),
    Mutant(
        "people_are_tried_eighty_times",
        "services/telemarketing/rules.py",
        "MAX_ATTEMPTS = 8 ",
        "MAX_ATTEMPTS = 80 ",
        (RULES,),
    ),
    Mutant(
        "a_callback_may_lie_in_the_past",
        "services/telemarketing/rules.py",
        "    if callback_at <= now:",
        "    if False:",
        (RULES,),
    ),
    Mutant(
        "do_not_call_is_not_final",
        "services/telemarketing/rules.py",
        'DO_NOT_CALL, "5", flags="contacted final"',
        'DO_NOT_CALL, "5", flags="contacted"',
        (RULES,),
    ),
    Mutant(
        "calling_goes_on_for_a_minute",
        "services/telemarketing/rules.py",
        "return start <= local.hour * 60 + local.minute < end",
        "return start <= local.hour * 60 + local.minute <= end",
        (RULES,),
    ),
    Mutant(
        "people_are_called_at_any_hour",
        "services/telemarketing/service.py",
        "if target is None and _may_call(now):",
        "if target is None:",
        (f"{CALLS}::test_nobody_is_called_outside_of_legal_hours",),
    ),
    Mutant(
        "a_note_may_be_endless",
        "services/telemarketing/rules.py",
        "MAX_NOTE = 2000",
        "MAX_NOTE = 20000",
        (RULES,),
    ),
    # --- whose turn it is ---
    Mutant(
        "who_withdrew_consent_is_called",
        "services/telemarketing/leases.py",
        "_CALLABLE = text(CALLABLE)",
        "_CALLABLE = text(\"state = 'open' AND phone IS NOT NULL\")",
        (f"{CALLS}::test_who_withdrew_consent_is_not_called",),
    ),
    Mutant(
        "paused_campaigns_are_called",
        "services/telemarketing/leases.py",
        "        ~held.exists(),\n        _EXECUTING,\n",
        "        ~held.exists(),\n",
        (f"{CALLS}::test_a_paused_campaign_is_not_called_and_the_queue_says_so",),
    ),
    Mutant(
        "who_is_spoken_to_is_called_elsewhere",
        "services/telemarketing/leases.py",
        "set_=holder, where=HeldPerson.until <= now",
        "set_=holder",
        (
            f"{LEASES}::test_many_at_once_never_hold_the_same_person",
            f"{LEASES}::test_of_two_who_take_a_person_at_once_one_gets_the_next",
        ),
    ),
    Mutant(
        "callbacks_wait_for_those_never_tried",
        "services/telemarketing/leases.py",
        ".order_by(Target.callback_at, Target.attempts,",
        ".order_by(Target.attempts, Target.callback_at,",
        (f"{CALLS}::test_agreed_callback_comes_first_when_it_is_due_and_is_done_by_the_call",),
    ),
    Mutant(
        "retries_do_not_wait",
        "services/telemarketing/leases.py",
        "        Target.next_at <= now,\n",
        "",
        (f"{CALLS}::test_busy_comes_again_after_its_wait",),
    ),
    Mutant(
        "a_double_click_gets_two_people",
        "services/telemarketing/service.py",
        "        leases.lock_advisor(session, advisor.username)\n",
        "",
        (f"{CALLS}::test_a_double_click_gets_one_person",),
    ),
    Mutant(
        "anothers_lease_can_be_ended",
        "services/telemarketing/leases.py",
        "    if found is None or found.advisor != advisor:",
        "    if found is None:",
        (f"{CALLS}::test_nobody_ends_anothers_call",),
    ),
    Mutant(
        "a_late_result_takes_somebody_away",
        "services/telemarketing/leases.py",
        "if target is None or target.lease_id != lease.id:",
        "if target is None:",
        (f"{CALLS}::test_late_result_is_refused_once_another_took_the_person",),
    ),
    Mutant(
        "a_result_twice_is_two_calls",
        "services/telemarketing/service.py",
        "call = calls.find_of_lease(session, lease.id)",
        "call = None",
        (f"{CALLS}::test_the_same_result_twice_is_one_call",),
    ),
    Mutant(
        "an_advisor_sees_everybodys_calls",
        "services/telemarketing/reach.py",
        "    if whose is None:\n        return None if advisor",
        "    if True:\n        return None if advisor",
        (f"{CALLS}::test_an_advisor_sees_the_own_calls_a_supervisor_all",),
    ),
    # --- refusals ---
    Mutant(
        "who_refused_stays_held",
        "services/telemarketing/assignments.py",
        "    session.execute(delete(HeldPerson).where(HeldPerson.customer_id == customer_id))\n",
        "",
        (LEASES,),
    ),
    Mutant(
        "who_refused_stays_in_the_calendar",
        "services/telemarketing/assignments.py",
        "    session.execute(agreed.values(done=True))\n",
        "",
        (REFUSED,),
    ),
    Mutant(
        "who_refused_is_called_elsewhere",
        "services/telemarketing/results.py",
        "        assignments.end_everywhere(session, call.customer_id, now)\n",
        "        pass\n",
        (REFUSED,),
    ),
    Mutant(
        "refusals_are_forgotten_by_lists_to_come",
        "services/telemarketing/results.py",
        "        contacts.set_refused(session, lease.customer_id)\n",
        "        pass\n",
        (LEASES, MERGE),
    ),
    Mutant(
        "older_states_overwrite_newer_in_lists",
        "services/telemarketing/contacts.py",
        "            where=new.version > ContactState.version,\n",
        "",
        (f"{MERGE}::test_a_list_older_than_what_was_heard_changes_neither_number_nor_block",),
    ),
    Mutant(
        "a_state_undoes_a_refusal",
        "services/telemarketing/contacts.py",
        "& new.held.is_distinct_from(Block.DO_NOT_CONTACT.value),",
        "& (new.version < 0),",
        (f"{LEASES}::test_a_refusal_stays_until_it_is_confirmed_and_then_follows_what_is_heard",),
    ),
    # --- the cap ---
    Mutant(
        "the_cap_of_calls_is_one_higher",
        "services/telemarketing/contacts.py",
        "ranked.c.rank == settings().contact_cap",
        "ranked.c.rank == settings().contact_cap + 1",
        (f"{CAP}::test_who_had_as_many_touches_as_the_cap_is_passed_over_and_one_fewer_is_not",),
    ),
    Mutant(
        "calls_ask_for_no_cap",
        "services/telemarketing/leases.py",
        "if target.callback_at is None and target.customer_id in over_cap:",
        "if False:",
        (f"{CAP}::test_who_had_as_many_touches_as_the_cap_is_passed_over_and_one_fewer_is_not",),
    ),
    Mutant(
        "an_agreed_call_is_put_off_by_the_cap",
        "services/telemarketing/leases.py",
        "for target in candidates if target.callback_at is None]\n"
        "    over_cap = contacts.find_over_cap(session, unasked, now)\n"
        "    for target in candidates:\n"
        "        if target.callback_at is None and target.customer_id in over_cap:\n",
        "for target in candidates]\n"
        "    over_cap = contacts.find_over_cap(session, unasked, now)\n"
        "    for target in candidates:\n"
        "        if target.customer_id in over_cap:\n",
        (f"{CAP}::test_a_call_that_was_agreed_with_the_person_is_made_over_the_cap",),
    ),
    Mutant(
        "touches_that_count_are_forgotten",
        "services/telemarketing/contacts.py",
        "delete(Contact).where(Contact.at <= now - _window())",
        "delete(Contact).where(Contact.at <= now)",
        (f"{CAP}::test_touches_are_forgotten_when_they_count_no_more",),
    ),
    Mutant(
        "a_mail_that_failed_counts_for_the_cap_of_calls",
        "services/telemarketing/news.py",
        "                if outcome.state is mailer.RecipientState.SENT\n",
        "",
        (f"{CAP}::test_only_a_mail_that_was_sent_is_a_touch",),
    ),
    # --- assigning ---
    Mutant(
        "the_blocked_are_assigned",
        "services/telemarketing/assignments.py",
        "_FREE = text(NOBODY_YET)",
        "_FREE = text(\"advisor IS NULL AND state = 'open'\")",
        (f"{SHARES}::test_blocked_people_are_given_to_nobody",),
    ),
    Mutant(
        "assigned_people_are_given_again",
        "services/telemarketing/assignments.py",
        "_FREE = text(NOBODY_YET)",
        "_FREE = text(\"state = 'open' AND held IS NULL AND phone IS NOT NULL\")",
        (SHARES,),
    ),
    Mutant(
        "who_is_spoken_to_is_taken_back",
        "services/telemarketing/assignments.py",
        "            or_(Target.lease_until.is_(None), Target.lease_until <= now),\n",
        "",
        (f"{SHARES}::test_take_back_frees_open_ones_and_keeps_results_and_a_running_call",),
    ),
    Mutant(
        "inactive_advisors_are_assigned",
        "services/telemarketing/assignment_doors.py",
        "for user in self._list_callers() if user.state is UserState.ACTIVE}",
        "for user in self._list_callers()}",
        (f"{SHARES}::test_inactive_and_unknown_advisors_are_named",),
    ),
    Mutant(
        "a_planned_campaign_is_assigned",
        "services/telemarketing/assignment_doors.py",
        "    if found.phase != Phase.EXECUTING:\n",
        "    if False:\n",
        (f"{SHARES}::test_only_an_executing_campaign_with_its_list_is_assigned",),
    ),
    # --- lists ---
    Mutant(
        "a_new_list_forgets_who_was_called",
        "services/telemarketing/merges.py",
        "        AND t.advisor IS NULL AND t.attempts = 0\n",
        "",
        (f"{LIST}::test_a_refresh_keeps_assignments_and_results_and_brings_new_data",),
    ),
    Mutant(
        "an_older_list_wins",
        "services/telemarketing/merges.py",
        "    if any(_has_begun(other) for other in lists if other.number > asked.number):",
        "    if False:",
        (f"{MERGE}::test_an_older_list_takes_no_turn_between_the_parts_of_a_newer_one",),
    ),
    Mutant(
        "a_list_older_than_what_was_heard_counts",
        "services/telemarketing/merges.py",
        'f"CASE WHEN n.contact_version >= t.contact_version THEN n.{name} ELSE t.{name} END"',
        'f"n.{name}"',
        (f"{MERGE}::test_a_newer_list_that_knows_less_of_a_person_changes_no_number",),
    ),
    Mutant(
        "who_was_erased_comes_back",
        "services/telemarketing/merges.py",
        " AND s.erased IS NOT TRUE",
        "",
        (f"{MERGE}::test_who_was_erased_is_not_brought_back_by_a_list_made_before",),
    ),
    Mutant(
        "a_list_is_merged_in_one_go",
        "services/telemarketing/merges.py",
        "PART = 20_000 ",
        "PART = 20_000_000 ",
        ("tests/unit/telemarketing/test_settings.py",),
    ),
    Mutant(
        "a_list_on_its_way_is_asked_for_again",
        "services/telemarketing/call_lists.py",
        "newest.state in ON_ITS_WAY and _is_recent(newest)",
        "False",
        (f"{LISTS}::test_a_list_on_its_way_is_not_asked_for_again_until_patience_ends",),
    ),
    # --- risk ---
    Mutant(
        "without_an_answer_all_is_offered",
        "services/telemarketing/rules.py",
        "return Offer.PREPAID_ONLY, _REFUSED if refused else _UNAVAILABLE",
        "return Offer.ALL, _REFUSED if refused else _UNAVAILABLE",
        (RULES,),
    ),
    Mutant(
        "the_unknown_are_offered_all",
        "services/telemarketing/rules.py",
        "return Offer.PREPAID_ONLY, _UNKNOWN",
        "return Offer.ALL, _UNKNOWN",
        (RULES,),
    ),
    Mutant(
        "b2_is_offered_all",
        "services/telemarketing/rules.py",
        "_ALL = frozenset({_C.A1, _C.A2, _C.A3, _C.B1})",
        "_ALL = frozenset({_C.A1, _C.A2, _C.A3, _C.B1, _C.B2})",
        (RULES,),
    ),
    Mutant(
        "risk_checks_have_no_deadline_in_all",
        "services/telemarketing/risk_doors.py",
        "with Timeout(settings().risk_timeout_seconds, False):",
        "with Timeout(300, False):",
        (f"{RISK}::test_a_bureau_that_drips_costs_no_more_than_the_deadline_in_all",),
    ),
    Mutant(
        "a_slow_bureau_takes_all_workers",
        "services/telemarketing/bureau.py",
        "SHARE = 0.4 ",
        "SHARE = 1.0 ",
        (f"{RISK}::test_a_slow_bureau_keeps_no_more_than_a_share_of_the_workers",),
    ),
    Mutant(
        "looks_at_risk_leave_no_trace",
        "services/telemarketing/risk_doors.py",
        "        risks.insert_checks(session, [check], advisor, purpose)\n",
        "",
        (f"{RISK}::test_a_known_person_comes_with_the_policy_and_is_logged",),
    ),
    Mutant(
        "a_repeated_look_is_logged_twice",
        "shared/rpc.py",
        "                return idempotency.once(\n"
        "                    session,\n"
        "                    procedure,\n"
        "                    arguments,\n"
        "                    lambda: door(self, session, found, *args, **kwargs),\n"
        "                )\n",
        "                return door(self, session, found, *args, **kwargs)\n",
        (f"{RISK}::test_two_with_one_key_at_once_are_logged_once",),
    ),
    Mutant(
        "a_lease_lasts_two_hours",
        "shared/settings.py",
        "lease_seconds: int = Field(default=900, ge=30)",
        "lease_seconds: int = Field(default=7200, ge=30)",
        (SETTINGS,),
    ),
]
