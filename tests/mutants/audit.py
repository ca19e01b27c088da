"""Faults in the record of who did and saw what."""

from tests.mutants.mutant import Mutant

RECORD = "tests/rooms/identity/test_audit.py"
CHAIN = "tests/rooms/identity/test_audit_chain.py"
PAGES = "tests/unit/gateway/test_audit.py"
VIEWS = "tests/rooms/customer_query/test_views.py"
LINKS = "services/identity/chain.py"
STORE = "services/identity/audit.py"
MIGRATION = "services/identity/migrations/2026_11_22_0011_audit.py"

MUTANTS = [
    Mutant(
        "a_line_does_not_cover_the_one_before",
        LINKS,
        'return _hash(f"{before}\\n{as_json(values)}")',
        "return _hash(as_json(values))",
        (CHAIN,),
    ),
    Mutant("a_line_does_not_cover_its_purpose", LINKS, '    "purpose",\n', "", (CHAIN,)),
    Mutant(
        "a_gap_is_not_seen",
        LINKS,
        "        yield from _gap(day, number + 1, found - 1)\n",
        "",
        (CHAIN,),
    ),
    Mutant(
        "a_cut_off_end_is_not_seen",
        LINKS,
        "    yield from _gap(day, number + 1, rows)\n",
        "",
        (CHAIN,),
    ),
    Mutant(
        "an_appended_line_is_not_seen",
        LINKS,
        "if found > rows or found < 1:",
        "if found < 1:",
        (CHAIN,),
    ),
    Mutant(
        "a_seal_does_not_cover_the_day_before",
        LINKS,
        'return _hash(f"{before}\\n{day.isoformat()}\\n{rows}\\n{end}")',
        'return _hash(f"{day.isoformat()}\\n{rows}\\n{end}")',
        (CHAIN,),
    ),
    Mutant(
        "today_is_sealed_before_it_is_over",
        STORE,
        "AuditDay.seal.is_(None), AuditDay.day < today",
        "AuditDay.seal.is_(None), AuditDay.day <= today",
        (CHAIN,),
    ),
    Mutant(
        "a_broken_day_is_told_to_nobody",
        "services/identity/jobs.py",
        "    if faults:\n",
        "    if False:\n",
        (CHAIN,),
    ),
    Mutant(
        "lines_can_be_changed",
        MIGRATION,
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit_entry",
        "CREATE TRIGGER refuse_change BEFORE DELETE ON audit_entry",
        (RECORD,),
    ),
    Mutant(
        "months_of_this_year_can_be_removed",
        MIGRATION,
        "IF following > current_date - interval '12 months' THEN",
        "IF false THEN",
        (RECORD,),
    ),
    Mutant(
        "old_months_are_looked_into",
        STORE,
        "query.where(AuditEntry.at >= _midnight(from_on), AuditEntry.id >= recorded)",
        "query.where(AuditEntry.at >= _midnight(from_on), AuditEntry.id >= 0 * recorded)",
        (RECORD,),
    ),
    Mutant(
        "a_failed_log_in_is_not_on_record",
        "services/identity/service.py",
        "            self._record_failure(found, username, source)\n",
        "",
        (RECORD,),
    ),
    Mutant(
        "a_mistyped_password_stands_in_the_record",
        "shared/audit.py",
        '        "username_tried",\n',
        "",
        (RECORD,),
    ),
    Mutant(
        "a_profile_is_seen_off_the_record",
        "services/customer_query/service.py",
        "        audit.record(session, AuditAction.PROFILE_SEEN, _CUSTOMER, customer_id)\n",
        "",
        (VIEWS,),
    ),
    Mutant(
        "a_check_is_on_record_without_its_purpose",
        "services/telemarketing/risk_doors.py",
        "audit.record(session, *what, purpose=purpose.word, after=seen)",
        "audit.record(session, *what, after=seen)",
        ("tests/rooms/telemarketing/test_risk.py",),
    ),
    Mutant(
        "personal_values_stand_in_the_record",
        "shared/audit.py",
        "    if name in _NO_FIELDS or name in personal.names():\n",
        "    if False:\n",
        (RECORD,),
    ),
    Mutant(
        "any_user_reads_the_record",
        "services/identity/audit_doors.py",
        "if permission not in actor.permissions:",
        "if False:",
        (RECORD,),
    ),
    Mutant(
        "the_record_is_taken_away_off_the_record",
        "services/gateway/routes/audit.py",
        "    await ask(record_export, AuditKind.AUDIT)\n",
        "",
        (PAGES,),
    ),
    Mutant(
        "rooms_do_not_know_from_where_is_asked",
        "services/gateway/asking.py",
        "actor = session.actor.model_copy(update=source)",
        "actor = session.actor.model_copy()",
        (PAGES,),
    ),
    Mutant(
        "systems_are_found_among_people",
        STORE,
        "    AuditWho.PERSON: (AuditEntry.system == _NOBODY) & (AuditEntry.username != _NOBODY),",
        "    AuditWho.PERSON: AuditEntry.username != _NOBODY,",
        (f"{RECORD}::test_what_a_system_did_is_found_by_its_name_and_apart_from_people",),
    ),
    Mutant(
        "a_system_is_searched_without_an_index",
        STORE,
        "query = query.where(named, _OF[AuditWho.SYSTEM])",
        "query = query.where(named)",
        (f"{RECORD}::test_a_search_is_by_an_index_in_the_months_that_it_asks_for",),
    ),
]
