"""Faults in whose word counts, and in whose people are seen."""

from tests.mutants.mutant import Mutant

SIGNING = "tests/unit/shared/test_signing.py"
DOORS = "tests/rooms/kit/test_doors.py"
EVENTS = "tests/rooms/kit/test_events.py"
JOBS = "tests/jobs/kit/test_jobs.py"
CUSTOMERS = "tests/rooms/customer_query/test_reach.py"
CALLS = "tests/rooms/telemarketing/test_reach.py"
HANDOVERS = "tests/rooms/telemarketing/test_handovers.py"
TABLE = "tests/rooms/test_scopes.py"
SEEN = "services/customer_query/reach.py"
WORKED = "services/telemarketing/reach.py"

MUTANTS = [
    # --- whose word ---
    Mutant(
        "signatures_are_not_looked_at",
        "shared/signing.py",
        'must: Any = {"require": ["iss", "iat"]}',
        'must: Any = {"require": ["iss", "iat"], "verify_signature": False}',
        (SIGNING,),
    ),
    Mutant(
        "beat_speaks_for_users",
        "shared/signing.py",
        'if claims["iss"] != key.issuer or (actor is not None and key.issuer != GATEWAY):',
        'if claims["iss"] != key.issuer:',
        (SIGNING,),
    ),
    Mutant(
        "an_issuer_takes_anothers_name",
        "shared/signing.py",
        'if claims["iss"] != key.issuer or (actor is not None and key.issuer != GATEWAY):',
        "if actor is not None and key.issuer != GATEWAY:",
        (SIGNING,),
    ),
    Mutant(
        "a_token_serves_for_ever",
        "shared/signing.py",
        "if time.time() - found.at > CALL_SECONDS:",
        "if time.time() - found.at > CALL_SECONDS * 1000:",
        (SIGNING,),
    ),
    Mutant(
        "calls_are_answered_to_anybody",
        "shared/rpc.py",
        '        self._check_asker(context.get("actor") or "")\n',
        "",
        (DOORS,),
    ),
    Mutant(
        "calls_need_no_user",
        "shared/rpc.py",
        "if asker is None and self.procedure.scope is not OPEN:",
        "if False:",
        (DOORS,),
    ),
    Mutant(
        "events_are_heard_from_anybody",
        "shared/events.py",
        "            trace.check_word(context)\n",
        "",
        (EVENTS,),
    ),
    Mutant(
        "jobs_are_done_for_anybody",
        "shared/job.py",
        "        trace.check_word(headers)\n        with",
        "        with",
        (JOBS,),
    ),
    Mutant(
        "a_forged_job_ends_what_it_names",
        "shared/job.py",
        'if known and not self.request.get("failing"):',
        'if not self.request.get("failing"):',
        (JOBS,),
    ),
    # --- whose people ---
    Mutant(
        "a_supervisor_sees_all",
        "shared/scope.py",
        "return own | actor.team if self.team in actor.permissions else own",
        "return None if self.team in actor.permissions else own",
        (CUSTOMERS, CALLS),
    ),
    Mutant(
        "an_advisor_sees_the_team",
        "shared/scope.py",
        "return own | actor.team if self.team in actor.permissions else own",
        "return own",
        (CUSTOMERS, CALLS),
    ),
    Mutant(
        "what_was_taken_back_is_seen",
        SEEN,
        "return or_(Reach.given, Reach.until > clock.now())",
        "return or_(Reach.given, Reach.until > clock.now(), Reach.until.is_(None))",
        (CUSTOMERS,),
    ),
    Mutant(
        "a_call_lets_see_for_ever",
        SEEN,
        "return or_(Reach.given, Reach.until > clock.now())",
        "return or_(Reach.given, Reach.until.is_not(None))",
        (CUSTOMERS,),
    ),
    Mutant(
        "late_news_win",
        SEEN,
        "newer = or_(Reach.moved_at.is_(None), Reach.moved_at < statement.excluded.moved_at)",
        "newer = or_(Reach.moved_at.is_(None), Reach.moved_at.is_not(None))",
        (CUSTOMERS,),
    ),
    Mutant(
        "lists_outlive_their_campaign",
        SEEN,
        "    if phase in _ENDED:\n",
        "    if False:\n",
        (CUSTOMERS,),
    ),
    Mutant(
        "profiles_are_opened_without_end",
        SEEN,
        "if session.execute(others).scalar_one() >= MOST_OPEN:",
        "if False:",
        (CUSTOMERS,),
    ),
    Mutant(
        "a_shared_telephone_opens_somebody",
        "services/customer_query/store.py",
        "    if len(found) > 1:\n",
        "    if False:\n",
        (CUSTOMERS,),
    ),
    Mutant(
        "the_list_of_customers_is_everybodys",
        "services/customer_query/service.py",
        "        whose = contract.list_customers.scope.whose(trace.actor())\n",
        "        whose = None\n",
        (CUSTOMERS,),
    ),
    Mutant(
        "a_time_line_is_everybodys",
        "services/customer_query/service.py",
        "        whose = contract.list_timeline.scope.whose(trace.actor())\n",
        "        whose = None\n",
        (CUSTOMERS,),
    ),
    Mutant(
        "anybodys_risk_is_checked",
        "services/telemarketing/risk_doors.py",
        "            check_person(session, contract.check_risk, customer_id)\n",
        "",
        (CALLS,),
    ),
    Mutant(
        "the_last_risk_is_everybodys",
        "services/telemarketing/risk_doors.py",
        "        check_person(session, contract.find_last_risk, customer_id)\n",
        "",
        (CALLS,),
    ),
    Mutant(
        "a_supervisor_gives_to_anothers_team",
        "services/telemarketing/assignment_doors.py",
        "return known if whose is None else known & whose",
        "return known",
        (CALLS,),
    ),
    Mutant(
        "calls_of_others_are_seen_by_asking",
        WORKED,
        "return whose & {advisor} if advisor is not None and len(whose) > 1 else whose",
        "return {advisor} if advisor is not None else whose",
        (CALLS,),
    ),
    Mutant(
        "who_was_called_long_ago_is_checked",
        WORKED,
        "Call.at > now - AFTER_A_CALL",
        "Call.at > now - 99 * AFTER_A_CALL",
        (CALLS,),
    ),
    Mutant(
        "nobody_hears_who_is_given",
        "services/telemarketing/assignment_doors.py",
        "moves.announce(session, campaign_id, share.advisor, people, now, given=True)",
        "pass",
        (CALLS,),
    ),
    # --- the tables of who gets what ---
    Mutant(
        "a_supervisor_reads_a_whole_audience",
        "services/campaign/service.py",
        "contract.list_members.scope.require_all(trace.actor())",
        "trace.actor()",
        (TABLE,),
    ),
    Mutant(
        "a_supervisor_reads_all_recipients",
        "services/mailer/recipient_doors.py",
        "contract.list_recipients.scope.require_all(trace.actor())",
        "trace.actor()",
        (TABLE,),
    ),
    # --- the work of who left ---
    Mutant(
        "who_is_spoken_to_is_handed_over",
        "services/telemarketing/handovers.py",
        "            or_(Target.lease_until.is_(None), Target.lease_until <= now),\n",
        "",
        (HANDOVERS,),
    ),
    Mutant(
        "agreed_calls_stay_with_who_left",
        "services/telemarketing/handovers.py",
        "    _move_callbacks(session, advisor)\n",
        "",
        (HANDOVERS,),
    ),
    Mutant(
        "all_work_goes_to_the_first",
        "services/telemarketing/handovers.py",
        "seats.c.seat == 1 + (dealt.c.place - 1) % len(to),",
        "seats.c.seat == 1,",
        (HANDOVERS,),
    ),
    Mutant(
        "who_still_calls_is_listed_as_gone",
        "services/telemarketing/assignment_doors.py",
        "gone = handovers.list_holders(session) - here",
        "gone = handovers.list_holders(session)",
        (HANDOVERS,),
    ),
    Mutant(
        "another_teams_work_is_handed_over",
        "services/telemarketing/assignment_doors.py",
        "        check_reach(contract.hand_over, advisor)\n",
        "",
        (HANDOVERS,),
    ),
    Mutant(
        "who_gave_still_sees_the_people",
        "services/telemarketing/assignment_doors.py",
        "moves.announce(session, campaign_id, advisor, people, now, given=False)",
        "pass",
        (HANDOVERS,),
    ),
]
