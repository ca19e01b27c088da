"""Faults in mailing: claims, marks, mail servers, unsubscribing."""

from tests.mutants.mutant import Mutant

CAP = "tests/jobs/mailer/test_cap.py"
SENDING = "tests/jobs/mailer/test_sending.py"
SERVERS = "tests/jobs/mailer/test_servers.py"
CRASHES = "tests/jobs/mailer/test_crashes.py"
PHASES = "tests/jobs/mailer/test_phases.py"
ENDS = "tests/jobs/mailer/test_ends.py"
CONTACTS = "tests/rooms/mailer/test_contacts.py"
RULES = "tests/unit/mailer/test_rules.py"
MESSAGES = "tests/unit/mailer/test_messages.py"
HOSTILE = "tests/jobs/mailer/test_hostile_servers.py"
README = "tests/unit/mailer/test_readme.py"
CLAIM_ORDER = f"{CAP}::test_the_order_of_reasons_at_the_claim"
LOAD_ORDER = f"{CAP}::test_the_order_of_reasons_at_the_preparation"
CAP_NUMBER = f"{CAP}::test_the_cap_is_how_many_and_in_how_many_days"

MUTANTS = [
    # --- the claim ---
    Mutant(
        "the_unsubscribed_are_claimed",
        "services/mailer/claims.py",
        "                WHEN s.unsubscribed THEN 'unsubscribed'\n",
        "",
        (CLAIM_ORDER,),
    ),
    Mutant(
        "the_blocked_are_claimed",
        "services/mailer/claims.py",
        "                WHEN s.mail_block IS NOT NULL THEN s.mail_block\n",
        "",
        (f"{CAP}::test_each_block_stops_the_mail_whenever_it_is_heard",),
    ),
    Mutant(
        "those_over_the_cap_are_claimed",
        "services/mailer/claims.py",
        "                WHEN c.done >= :cap THEN 'over_cap'\n",
        "                WHEN c.done >= 1000 THEN 'over_cap'\n",
        (CAP_NUMBER,),
    ),
    Mutant(
        "the_cap_of_mail_is_one_higher",
        "services/mailer/claims.py",
        "WHEN c.done >= :cap THEN",
        "WHEN c.done > :cap THEN",
        (CAP_NUMBER,),
    ),
    Mutant(
        "the_cap_is_the_first_reason",
        "services/mailer/claims.py",
        "                WHEN s.unsubscribed THEN 'unsubscribed'\n",
        "                WHEN c.done >= :cap THEN 'over_cap'\n"
        "                WHEN s.unsubscribed THEN 'unsubscribed'\n",
        (CLAIM_ORDER,),
    ),
    Mutant(
        "mails_in_hand_elsewhere_are_not_counted",
        "services/mailer/claims.py",
        "c.done + c.flying >= :cap AS waits",
        "false AS waits",
        (f"{CAP}::test_a_mail_another_run_has_in_hand_is_waited_for",),
    ),
    Mutant(
        "two_claims_look_at_the_cap_at_once",
        "services/mailer/claims.py",
        '    session.execute(select(text("pg_advisory_xact_lock(:key)")), {"key": _CAP_LOCK})\n',
        "",
        (f"{CAP}::test_of_two_claims_at_the_same_moment_the_second_sees_the_first",),
    ),
    Mutant(
        "those_tried_most_come_first",
        "services/mailer/claims.py",
        "ORDER BY attempt, customer_id LIMIT :limit",
        "ORDER BY attempt DESC, customer_id LIMIT :limit",
        (f"{SERVERS}::test_those_tried_least_come_first",),
    ),
    Mutant(
        "the_touch_ignores_the_cap",
        "services/mailer/claims.py",
        "        AND :cap > (\n"
        "            SELECT count(*) FROM contact WHERE customer_id = :next_id AND at > :cap_from\n"
        "        )\n",
        "",
        (f"{CAP}::test_a_touch_in_the_middle_of_a_claim_counts",),
    ),
    Mutant(
        "the_touch_ignores_the_campaigns_phase",
        "services/mailer/claims.py",
        "                AND NOT coalesce(c.phase = ANY(:holding), false)\n",
        "",
        (f"{PHASES}::test_a_run_that_says_it_sends_does_not_for_such_a_campaign",),
    ),
    Mutant(
        "the_touch_ignores_a_pause",
        "services/mailer/claims.py",
        "WHERE m.transfer_id = :transfer_id AND m.state = 'sending'",
        "WHERE m.transfer_id = :transfer_id",
        (f"{SENDING}::test_pause_stops_before_the_next_mail_and_resume_misses_nobody",),
    ),
    Mutant(
        "a_sender_given_up_for_dead_goes_on",
        "services/mailer/claims.py",
        "AND customer_id = :next_id AND claimed_by = :sender_id",
        "AND customer_id = :next_id",
        (f"{CRASHES}::test_a_sender_given_up_for_dead_changes_nothing_any_more",),
    ),
    Mutant(
        "the_unsubscribed_are_prepared",
        "services/mailer/ledger.py",
        "                WHEN unsubscribed THEN 'unsubscribed'\n",
        "",
        (LOAD_ORDER,),
    ),
    Mutant(
        "an_address_gets_two_mails",
        "services/mailer/ledger.py",
        ") > 1 THEN 'duplicate'",
        ") > 2 THEN 'duplicate'",
        (LOAD_ORDER,),
    ),
    # --- crashes ---
    Mutant(
        "mails_in_flight_are_sent_again",
        "services/mailer/senders.py",
        "r.state = 'sending' OR r.customer_id = ANY(d.begun) AS doubtful",
        "r.customer_id = ANY(d.begun) AS doubtful",
        (f"{CRASHES}::test_a_dead_senders_mail_in_flight_is_doubtful_and_its_claim_goes_back",),
    ),
    Mutant(
        "what_a_crash_forgot_is_sent_again",
        "services/mailer/senders.py",
        "r.state = 'sending' OR r.customer_id = ANY(d.begun) AS doubtful",
        "r.state = 'sending' AS doubtful",
        (f"{CRASHES}::test_after_a_restart_of_the_database_nothing_of_a_dead_claim_is_sure",),
    ),
    Mutant(
        "living_senders_are_buried",
        "services/mailer/senders.py",
        "Sender.alive_until <= now",
        "Sender.alive_until > now",
        (f"{CRASHES}::test_a_living_sender_is_left_alone",),
    ),
    Mutant(
        "a_hundred_may_be_in_doubt",
        "services/mailer/sending.py",
        "REACH = 10 ",
        "REACH = 100 ",
        (README,),
    ),
    Mutant(
        "senders_are_given_up_at_once",
        "services/mailer/senders.py",
        "LEASE = timedelta(seconds=45)",
        "LEASE = timedelta(seconds=15)",
        (RULES,),
    ),
    # --- mail servers ---
    Mutant(
        "a_mail_is_tried_four_times",
        "services/mailer/rules.py",
        "ATTEMPTS = 3 ",
        "ATTEMPTS = 4 ",
        (RULES,),
    ),
    Mutant(
        "the_second_refusal_waits_a_minute",
        "services/mailer/rules.py",
        "_WAITS = (timedelta(minutes=1), timedelta(minutes=10))",
        "_WAITS = (timedelta(minutes=1), timedelta(minutes=1))",
        (RULES,),
    ),
    Mutant(
        "a_server_is_left_alone_for_an_hour",
        "services/mailer/rules.py",
        "LONGEST_SERVER_WAIT = timedelta(minutes=5)",
        "LONGEST_SERVER_WAIT = timedelta(minutes=60)",
        (RULES,),
    ),
    Mutant(
        "a_server_that_wants_a_log_in_fails_everybody",
        "services/mailer/wire.py",
        "BARRING = frozenset({454, 530, 534, 535, 538})",
        "BARRING = frozenset({454, 534, 535, 538})",
        (f"{SERVERS}::test_a_server_that_will_not_have_us_pauses_the_run_and_says_why",),
    ),
    Mutant(
        "a_closing_line_is_used_again",
        "services/mailer/smtp.py",
        "        if code == _CLOSING or code // 100 not in (4, 5):",
        "        if code // 100 not in (4, 5):",
        (f"{SERVERS}::test_one_recipient_at_whom_the_line_breaks_costs_a_wait_and_three_attempts",),
    ),
    Mutant(
        "a_mail_without_an_answer_is_sent_again",
        "services/mailer/smtp.py",
        "return self._broken(Fate.UNKNOWN, error)",
        "return self._broken(Fate.POSTPONED, error)",
        (f"{SENDING}::test_a_line_cut_after_the_content_is_doubtful_and_not_sent_again",),
    ),
    Mutant(
        "dots_are_not_doubled",
        "services/mailer/smtp.py",
        'content.replace(b"\\r\\n.", b"\\r\\n..")',
        "content",
        (f"{SENDING}::test_lines_that_begin_with_a_dot_arrive_whole",),
    ),
    Mutant(
        "any_certificate_will_do",
        "shared/tls.py",
        "    return ssl.create_default_context(cafile=ca_file or None)\n",
        "    return ssl._create_unverified_context()\n",
        ("tests/jobs/mailer/test_encryption.py",),
    ),
    Mutant(
        "refusals_without_end_fail_everybody",
        "services/mailer/rules.py",
        "REFUSED_IN_A_ROW = 25 ",
        "REFUSED_IN_A_ROW = 2500 ",
        (README,),
    ),
    Mutant(
        "a_server_that_knows_nobody_fails_everybody",
        "services/mailer/rules.py",
        "UNKNOWN_IN_A_ROW = 50 ",
        "UNKNOWN_IN_A_ROW = 5000 ",
        (README,),
    ),
    Mutant(
        "an_answer_to_another_command_is_believed",
        "services/mailer/smtp.py",
        "return code // 100 == 2 if number < 2 else code == _GO_AHEAD",
        "return code // 100 in (2, 3)",
        (HOSTILE,),
    ),
    Mutant(
        "a_server_may_talk_for_ever",
        "services/mailer/wire.py",
        "            if said > _ANSWER_BYTES:\n",
        "            if False:\n",
        (f"{HOSTILE}::test_a_line_to_any_server_ends_in_time_and_doubts_only_what_was_in_flight",),
    ),
    Mutant(
        "a_sender_that_waits_is_given_up",
        "services/mailer/sending.py",
        "            senders.keep_alive(session, sender_id)\n",
        "            session.flush()\n",
        (f"{HOSTILE}::test_a_sender_that_waits_for_its_server_is_not_given_up_for_dead",),
    ),
    Mutant(
        "two_tabs_send_twice",
        "services/mailer/service.py",
        "        if not new.again:\n",
        "        if False:\n",
        ("tests/rooms/mailer/test_mailings.py",),
    ),
    Mutant(
        "two_tabs_do_not_take_turns",
        "services/mailer/twins.py",
        '    session.execute(text(_TWIN_LOCK), {"campaign": str(campaign_id)})\n',
        "",
        ("tests/rooms/mailer/test_mailings.py",),
    ),
    Mutant(
        "a_month_that_is_over_is_begun",
        "services/mailer/rules.py",
        "    if month < month_of(local):\n",
        "    if False:\n",
        (RULES,),
    ),
    Mutant(
        "a_month_without_the_day_is_left_out",
        "services/mailer/rules.py",
        "due = (min(day, last), hour)",
        "due = (day, hour)",
        (RULES,),
    ),
    Mutant(
        "links_of_former_keys_are_forgotten",
        "shared/settings.py",
        "return (self.secret_key, *filter(None, former))",
        "return (self.secret_key,)",
        (MESSAGES,),
    ),
    Mutant(
        "an_unsubscribe_link_is_believed_unread",
        "services/mailer/tokens.py",
        "        if not hmac.compare_digest(_hash(self.authenticator, plain)[:_SIDE], side):\n",
        "        if False:\n",
        (MESSAGES,),
    ),
    Mutant(
        "forty_senders_work_on_a_run",
        "services/mailer/jobs.py",
        "MAX_SENDERS = 4 ",
        "MAX_SENDERS = 40 ",
        (f"{SENDING}::test_a_run_has_four_senders_at_most",),
    ),
    Mutant(
        "an_address_may_break_the_protocol",
        "services/mailer/smtp.py",
        "return _USABLE.fullmatch(address) is not None",
        "return True",
        (f"{SENDING}::test_an_address_that_would_break_the_protocol_fails_alone",),
    ),
    # --- runs ---
    Mutant(
        "a_paused_campaign_goes_on_mailing",
        "services/mailer/rules.py",
        "HOLDING = _ENDING | {Phase.PAUSED}",
        "HOLDING = _ENDING",
        (RULES, PHASES),
    ),
    Mutant(
        "a_closing_campaign_goes_on_mailing",
        "services/mailer/rules.py",
        "_ENDING = frozenset({Phase.CLOSING, Phase.FINISHED, Phase.CANCELLED})",
        "_ENDING = frozenset({Phase.FINISHED, Phase.CANCELLED})",
        (RULES,),
    ),
    Mutant(
        "what_a_person_paused_goes_on_by_itself",
        "services/mailer/rules.py",
        "state == S.PAUSED and pauser == Pauser.CAMPAIGN",
        "state == S.PAUSED",
        (RULES,),
    ),
    Mutant(
        "a_draft_may_be_mailed",
        "services/mailer/rules.py",
        "    if phase is not Phase.EXECUTING:\n",
        "    if phase in HOLDING:\n",
        (RULES,),
    ),
    Mutant(
        "the_cancelled_are_told_as_skipped",
        "services/mailer/ledger.py",
        "UPDATE recipient SET state = 'cancelled'",
        "UPDATE recipient SET state = 'skipped'",
        (f"{SENDING}::test_cancel_skips_what_is_pending",),
    ),
    Mutant(
        "a_month_is_begun_the_day_after",
        "services/mailer/rules.py",
        "if (local.day, local.hour) >= due",
        "if (local.day, local.hour) > due",
        (RULES,),
    ),
    Mutant(
        "failed_preparations_wait_for_ever",
        "services/mailer/jobs.py",
        '@jobs.job("mailer.prepare_mailing", failed=_fail)',
        '@jobs.job("mailer.prepare_mailing")',
        (f"{ENDS}::test_a_preparation_that_cannot_be_made_fails_the_run_and_begins_anew",),
    ),
    # --- people's wishes ---
    Mutant(
        "older_consents_overwrite_newer",
        "services/mailer/contacts.py",
        "where=(ContactState.version < row.excluded.version) & ~ContactState.erased",
        "where=~ContactState.erased",
        (f"{CONTACTS}::test_an_older_state_never_overwrites_a_newer_one",),
    ),
    Mutant(
        "a_state_undoes_an_unsubscription",
        "services/mailer/contacts.py",
        "case((confirmed, False), else_=ContactState.unsubscribed)",
        "False",
        (f"{CONTACTS}::test_a_state_that_knows_nothing_of_it_does_not_undo_an_unsubscription",),
    ),
    Mutant(
        "erased_peoples_addresses_stay_in_runs",
        "services/mailer/contacts.py",
        "            email=None,\n",
        "",
        (f"{CONTACTS}::test_erased_people_are_blanked_and_still_count",),
    ),
    Mutant(
        "anybody_makes_unsubscribe_links",
        "services/mailer/tokens.py",
        "_signer().loads(token)",
        "_signer().loads_unsafe(token)[1]",
        (MESSAGES,),
    ),
    Mutant(
        "no_one_click_unsubscribe",
        "services/mailer/messages.py",
        '        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",\n',
        "",
        (MESSAGES,),
    ),
]
