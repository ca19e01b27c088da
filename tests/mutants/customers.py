"""Faults in customers, segments and imports."""

from tests.mutants.mutant import Mutant

PEOPLE = "tests/rooms/customer_query/test_contact_states.py"
SEGMENTS = "tests/rooms/customer_query/test_segments.py"
PROFILES = "tests/rooms/customer_query/test_customers.py"
GRAMMAR = "tests/unit/customer_query/test_segments.py"
IMPORT = "tests/jobs/customer_query/test_import.py"
COURSE = "tests/jobs/customer_query/test_import_course.py"
RISK_LOAD = "tests/jobs/risk_central/test_load.py"
UNDO = "tests/jobs/customer_query/test_undo.py"
TENURE = "tests/unit/customer_query/test_profiles.py"
CAP = f"{PEOPLE}::test_the_cap_begins_at_its_number_and_ends_with_its_days"
SPLIT = f"{SEGMENTS}::test_the_count_and_its_split_are_exact"
ORACLE = f"{SEGMENTS}::test_who_is_in_a_segment_is_what_the_oracle_says"
ENDS = f"{SEGMENTS}::test_both_ends_count_to_the_cent_and_to_the_day"
ERASING = f"{PROFILES}::test_erasing_blanks_the_person_and_tells_the_rooms"
SQL = "services/customer_query/segment_sql.py"
ORDER = f"{PEOPLE}::test_the_first_block_that_holds_is_the_reason"
NOTHING_LEFT = f"{PROFILES}::test_nothing_that_tells_who_it_was_is_left_of_an_erased_person"
EDITS = "tests/rooms/customer_query/test_edits.py"
NEWS = "tests/rooms/customer_query/test_news.py"

MUTANTS = [
    # --- who may be contacted ---
    Mutant(
        "the_cap_is_one_higher",
        SQL,
        "touches >= settings().contact_cap",
        "touches > settings().contact_cap",
        (CAP,),
    ),
    Mutant(
        "touches_count_for_a_year",
        SQL,
        "timedelta(days=settings().contact_cap_days)",
        "timedelta(days=365)",
        (CAP,),
    ),
    Mutant(
        "the_cap_is_told_as_a_state",
        SQL,
        "        (Customer.mail_bounced, Block.BOUNCED.value),\n    )",
        "        (Customer.mail_bounced, Block.BOUNCED.value),\n"
        "        (over_cap(), Block.OVER_CAP.value),\n    )",
        (f"{PEOPLE}::test_the_cap_is_never_told_as_a_state",),
    ),
    Mutant(
        "mail_asks_for_no_consent",
        SQL,
        "        (not_(Customer.consent_mail), Block.NO_CONSENT.value),\n",
        "",
        (SPLIT, ORDER),
    ),
    Mutant(
        "calls_ask_for_no_consent",
        SQL,
        "        (not_(Customer.consent_phone), Block.NO_CONSENT.value),\n",
        "",
        (SPLIT, ORDER),
    ),
    Mutant(
        "who_wants_no_mail_is_mailed",
        SQL,
        "        (Customer.do_not_mail, Block.DO_NOT_CONTACT.value),\n",
        "",
        (SPLIT, ORDER),
    ),
    Mutant(
        "a_bounced_address_is_mailed",
        SQL,
        "        (Customer.mail_bounced, Block.BOUNCED.value),\n",
        "",
        (SPLIT, ORDER),
    ),
    Mutant(
        "consent_comes_before_the_wish_in_mail",
        SQL,
        "        (Customer.do_not_mail, Block.DO_NOT_CONTACT.value),\n"
        "        (not_(Customer.consent_mail), Block.NO_CONSENT.value),\n",
        "        (not_(Customer.consent_mail), Block.NO_CONSENT.value),\n"
        "        (Customer.do_not_mail, Block.DO_NOT_CONTACT.value),\n",
        (ORDER,),
    ),
    Mutant(
        "consent_comes_before_the_wish_in_calls",
        SQL,
        "        (Customer.do_not_call, Block.DO_NOT_CONTACT.value),\n"
        "        (not_(Customer.consent_phone), Block.NO_CONSENT.value),\n",
        "        (not_(Customer.consent_phone), Block.NO_CONSENT.value),\n"
        "        (Customer.do_not_call, Block.DO_NOT_CONTACT.value),\n",
        (ORDER,),
    ),
    Mutant(
        "the_address_comes_before_consent",
        SQL,
        "        (not_(Customer.consent_mail), Block.NO_CONSENT.value),\n"
        "        (Customer.email.is_(None), Block.NO_ADDRESS.value),\n",
        "        (Customer.email.is_(None), Block.NO_ADDRESS.value),\n"
        "        (not_(Customer.consent_mail), Block.NO_CONSENT.value),\n",
        (ORDER,),
    ),
    # --- segments ---
    Mutant(
        "erased_people_match",
        SQL,
        "return and_(Customer.erased_at.is_(None), _condition(definition))",
        "return _condition(definition)",
        (ERASING,),
    ),
    Mutant(
        "the_low_end_does_not_count",
        SQL,
        "column.between(*ends_of(leaf))",
        "and_(column > ends_of(leaf)[0], column <= ends_of(leaf)[1])",
        (ENDS,),
    ),
    Mutant(
        "ages_end_a_year_early",
        SQL,
        "years_before(today, int(high) + 1)",
        "years_before(today, int(high))",
        (ENDS,),
    ),
    Mutant(
        "not_forgets_those_of_whom_nothing_is_known",
        SQL,
        "not_(func.coalesce(_condition(part), false()))",
        "not_(_condition(part))",
        (ORACLE,),
    ),
    Mutant(
        "a_service_given_up_is_still_held",
        SQL,
        "        HeldService.to_on.is_(None),\n",
        "",
        (ORACLE,),
    ),
    Mutant(
        "trees_may_be_a_hundred_deep",
        "shared/contracts/segments.py",
        "MAX_DEPTH = 10",
        "MAX_DEPTH = 100",
        (f"{GRAMMAR}::test_depth_and_number_of_criteria_are_limited",),
    ),
    Mutant(
        "a_thousand_criteria_are_taken",
        "shared/contracts/segments.py",
        "MAX_LEAVES = 100",
        "MAX_LEAVES = 1000",
        (f"{GRAMMAR}::test_depth_and_number_of_criteria_are_limited",),
    ),
    Mutant(
        "five_thousand_values_are_taken",
        "shared/contracts/segments.py",
        "MAX_VALUES = 500",
        "MAX_VALUES = 5000",
        (GRAMMAR,),
    ),
    # --- what other rooms tell of people ---
    Mutant(
        "old_words_of_the_bureau_win",
        "services/customer_query/contact_events.py",
        "return or_(known_at.is_(None), known_at <= at)",
        "return known_at.is_(None) | known_at.is_not(None)",
        (f"{PEOPLE}::test_an_older_word_of_the_bureau_changes_nothing",),
    ),
    Mutant(
        "a_stale_change_overwrites",
        "shared/edits.py",
        '    raise Conflict(text, [FieldError("version", text)])',
        "",
        (EDITS,),
    ),
    Mutant(
        "an_unsubscription_is_nobodys_change",
        "services/customer_query/contact_events.py",
        """            version=Customer.version + 1,
            **edits.mark("El enlace de baja de un correo"),
""",
        "",
        (EDITS,),
    ),
    Mutant(
        "an_unsubscription_is_no_do_not_mail",
        "services/customer_query/contact_events.py",
        "            do_not_mail=True,\n",
        "",
        (NEWS,),
    ),
    Mutant(
        "a_refusal_is_no_do_not_call",
        "services/customer_query/contact_events.py",
        "            do_not_call=True,\n",
        "",
        (NEWS,),
    ),
    Mutant(
        "a_call_nobody_took_is_a_touch",
        "services/customer_query/contact_events.py",
        "    if event.contacted:\n",
        "    if True:\n",
        (NEWS,),
    ),
    Mutant(
        "a_mail_that_failed_is_a_touch",
        "services/customer_query/contact_events.py",
        "if item.state is RecipientState.SENT]",
        "]",
        (NEWS,),
    ),
    # --- forgetting ---
    Mutant(
        "the_address_of_the_erased_stays",
        "services/customer_query/store.py",
        "            address=None,\n",
        "",
        (NOTHING_LEFT,),
    ),
    Mutant(
        "the_income_of_the_erased_stays",
        "services/customer_query/store.py",
        "            income=None,\n",
        "",
        (NOTHING_LEFT,),
    ),
    Mutant(
        "the_time_line_of_the_erased_stays",
        "services/customer_query/store.py",
        "    session.execute(delete(TimelineEntry).filter_by(customer_id=customer_id))\n",
        "",
        (NOTHING_LEFT,),
    ),
    Mutant(
        "the_lines_of_the_erased_stay",
        "services/customer_query/store.py",
        "    session.execute(held.values(line_number=None))  # which is the person's own\n",
        "",
        (NOTHING_LEFT,),
    ),
    # --- profiles and imports ---
    Mutant(
        "people_are_new_for_two_years",
        "services/customer_query/profiles.py",
        "NEW_BELOW_YEARS = 1",
        "NEW_BELOW_YEARS = 2",
        (TENURE,),
    ),
    Mutant(
        "loyalty_takes_eleven_years",
        "services/customer_query/profiles.py",
        "LOYAL_ABOVE_YEARS = 10",
        "LOYAL_ABOVE_YEARS = 11",
        (TENURE,),
    ),
    Mutant(
        "rejected_cells_are_formulas",
        "shared/sheets.py",
        'return f"\'{text}" if _FORMULA.match(text) else text',
        "return text",
        (f"{IMPORT}::test_a_rejected_row_stands_as_it_was_and_no_formula_is_harmful",),
    ),
    Mutant(
        "a_cedula_may_come_twice_in_a_file",
        "shared/loads/load.py",
        "        if key in self._seen:",
        "        if False:",
        (f"{IMPORT}::test_every_defect_is_rejected_with_its_reason",),
    ),
    Mutant(
        "two_workers_count_a_batch_twice",
        "shared/loads/work.py",
        "            if job.read != done:\n",
        "            if False:\n",
        (f"{IMPORT}::test_two_workers_with_the_same_import_count_each_row_once",),
    ),
    Mutant(
        "a_cancelled_import_goes_on",
        "shared/loads/work.py",
        "            if job.finished_at is not None:\n                ledger.close",
        "            if False:\n                ledger.close",
        (f"{COURSE}::test_an_import_that_is_cancelled_stops_and_what_was_done_counts",),
    ),
    Mutant(
        "a_dry_run_writes",
        "services/customer_query/import_load.py",
        "                attempt.rollback()\n",
        "",
        (f"{IMPORT}::test_a_dry_run_tells_the_same_and_writes_nothing",),
    ),
    Mutant(
        "changed_consents_are_not_announced",
        "services/customer_query/import_load.py",
        "        announcements.announce_contact_states(session, outcome.contacts_changed)\n",
        "",
        (f"{IMPORT}::test_consents_go_into_the_ledger_and_changes_are_announced",),
    ),
    Mutant(
        "undoing_removes_who_was_called_since",
        "services/customer_query/undos.py",
        "    AND NOT EXISTS (SELECT FROM contact x WHERE x.customer_id = c.id)\n",
        "",
        (f"{UNDO}::test_who_was_touched_since_stays_and_is_counted",),
    ),
    Mutant(
        "empty_cells_wipe_what_was_known",
        "services/customer_query/imports.py",
        'return _FOLLOWS.get(name, f"coalesce(i.{name}, c.{name})")',
        'return _FOLLOWS.get(name, f"i.{name}")',
        (f"{IMPORT}::test_a_known_person_is_updated_and_empty_cells_say_nothing",),
    ),
    Mutant(
        "two_files_make_a_person_twice",
        "services/customer_query/imports.py",
        "        self._session.execute(text(_LOCK))\n",
        "",
        (f"{IMPORT}::test_two_files_with_the_same_people_at_once_make_each_person_once",),
    ),
    Mutant(
        "failed_imports_run_for_ever",
        "services/customer_query/jobs.py",
        "failed=CUSTOMERS.fail)",
        "failed=None)",
        ("tests/jobs/customer_query/test_ends.py::test_an_import_that_cannot_be_done_says_so",),
    ),
    Mutant(
        "an_undone_import_removes_who_holds_a_service",
        "services/customer_query/undos.py",
        "    AND NOT EXISTS (SELECT FROM held_service x WHERE x.customer_id = c.id)\n",
        "",
        (UNDO,),
    ),
    Mutant(
        "what_was_noted_before_a_kill_is_never_written",
        "shared/loads/work.py",
        "sink.write_again(last.rows)",
        "del last",
        (RISK_LOAD,),
    ),
    Mutant(
        "a_cancelled_file_is_shown",
        "shared/loads/work.py",
        "            if job.finished_at is None:\n                job.preview",
        "            if True:\n                job.preview",
        (COURSE,),
    ),
]
