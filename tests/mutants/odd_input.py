"""Faults in what refuses odd values and files, and in what keeps data right by them."""

from tests.mutants.mutant import Mutant

BOUNDS = "tests/unit/shared/test_bounds.py"
BOOKS = "tests/unit/loads/test_workbooks.py"
SOURCES = "tests/unit/loads/test_sources.py"
RULES = "tests/jobs/customer_query/test_import_rules.py"
FULL = "tests/jobs/risk_central/test_full_load.py"

MUTANTS = [
    # --- values ---
    Mutant(
        "odd_values_pass_the_doors",
        "shared/contract.py",
        "if wrong := list(islice(bounds.find(checked), _NAMED)):",
        "if wrong := list[bounds.Wrong]():",
        (f"{BOUNDS}::test_odd_characters_are_refused_at_their_field",),
    ),
    Mutant(
        "names_of_several_lines",
        "shared/bounds.py",
        'if any(sign in text for sign in "\\t\\r\\n"):',
        "if False:",
        (f"{BOUNDS}::test_a_name_is_one_line",),
    ),
    Mutant(
        "dates_of_any_year",
        "shared/bounds.py",
        "if not FIRST_YEAR <= day.year <= LAST_YEAR:",
        "if False:",
        (f"{BOUNDS}::test_a_date_lies_in_the_years_of_people",),
    ),
    Mutant(
        "errors_tell_halves_of_a_pair",
        "shared/errors.py",
        'object.__setattr__(self, "message", printable(self.message))',
        "pass",
        (f"{BOUNDS}::test_an_answer_can_carry_what_was_sent",),
    ),
    # --- files ---
    Mutant(
        "a_long_text_is_shown_everywhere",
        "shared/loads/workbooks.py",
        "if reach.cells > MAX_CELLS or shown > MAX_TEXT:",
        "if reach.cells > MAX_CELLS:",
        (f"{BOOKS}::test_a_long_text_shown_in_a_million_cells_is_refused",),
    ),
    Mutant(
        "a_bomb_is_unpacked",
        "shared/loads/workbooks.py",
        "        if left < 0:\n",
        "        if False:\n",
        (f"{BOOKS}::test_a_bomb_is_not_unpacked",),
    ),
    Mutant(
        "one_byte_makes_another_encoding",
        "shared/loads/encodings.py",
        "if foreign <= letters else",
        "if not foreign else",
        (f"{SOURCES}::test_one_foreign_byte_does_not_turn_the_whole_file_into_another_encoding",),
    ),
    Mutant(
        "odd_cells_are_stored",
        "shared/loads/fields.py",
        'if is_odd(whole) or "\\ufffd" in whole:',
        "if False:",
        (f"{RULES}::test_a_foreign_byte_after_the_first_megabyte_never_becomes_a_sign",),
    ),
    Mutant(
        "a_column_twice_is_read_once",
        "shared/loads/fields.py",
        "if header.count(column) > 1 or (guessed and len(alike) > 1):",
        "if False:",
        (f"{RULES}::test_a_header_with_a_column_twice_is_refused_by_name",),
    ),
    # --- imports ---
    Mutant(
        "a_province_keeps_anothers_canton",
        "services/customer_query/imports.py",
        "WHEN i.canton IS NULL AND left(c.canton, 2) <> i.province THEN NULL ",
        "WHEN false THEN NULL ",
        (f"{RULES}::test_another_province_never_keeps_a_canton_of_the_first",),
    ),
    Mutant(
        "a_new_address_stays_bounced",
        "services/customer_query/imports.py",
        "c.mail_bounced AND coalesce(i.email = c.email, i.email IS NULL)",
        "c.mail_bounced",
        (f"{RULES}::test_a_changed_address_is_announced_and_a_bounce_forgotten",),
    ),
    Mutant(
        "changed_addresses_are_not_told",
        "services/customer_query/imports.py",
        "changed = self._changed_consents() + self._changed_addresses()",
        "changed = self._changed_consents()",
        (f"{RULES}::test_a_changed_address_is_announced_and_a_bounce_forgotten",),
    ),
    Mutant(
        "values_that_cannot_be_stored_hang_the_load",
        "shared/loads/work.py",
        "except (DataError, psycopg2.DataError):",
        "except ZeroDivisionError:",
        (f"{RULES}::test_what_the_database_still_refuses_ends_the_job_with_the_reason",),
    ),
    # --- risk files ---
    Mutant(
        "a_full_load_forgets_whose_row_is_wrong",
        "services/risk_central/sinks.py",
        "        self._carry_over(loads.rejected_cedulas(session, job))\n",
        "",
        (f"{FULL}::test_whose_row_is_wrong_stays_as_before",),
    ),
    Mutant(
        "a_full_load_writes_into_the_current_edition",
        "services/risk_central/sinks.py",
        "        self._edition = editions.name_of(job.id)\n        if not job.read:",
        "        self._edition = self._before\n        if not job.read:",
        (f"{FULL}::test_readers_see_the_old_until_all_is_there",),
    ),
    Mutant(
        "a_file_without_good_rows_removes_everybody",
        "services/risk_central/sinks.py",
        "    if not good:\n",
        "    if False:\n",
        (f"{FULL}::test_a_file_without_a_good_row_removes_nobody",),
    ),
    Mutant(
        "reports_of_tomorrow_are_loaded",
        "services/risk_central/rules.py",
        "if report.reported_on > today:",
        "if False:",
        (f"{FULL}::test_a_report_of_tomorrow_is_a_rejected_row",),
    ),
]
