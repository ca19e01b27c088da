"""Faults in accounts: passwords, sessions, purposes."""

from tests.mutants.mutant import Mutant

ACCOUNTS = "tests/rooms/identity/test_accounts.py"
PAGE = "tests/unit/gateway/test_account.py"
LOG_IN = "tests/unit/gateway/test_identity.py"
FULL_LOAD = "tests/jobs/risk_central/test_full_load.py"
BUREAU = "tests/rooms/risk_central/test_risk_central.py"
SERVICE = "services/identity/service.py"
SESSIONS = "services/identity/sessions.py"

MUTANTS = [
    Mutant(
        "weak_passwords_are_taken",
        "services/identity/strength.py",
        "ENOUGH = 3 ",
        "ENOUGH = 0 ",
        (ACCOUNTS,),
    ),
    Mutant(
        "names_are_good_passwords",
        "services/identity/strength.py",
        'names = ["pregon", *known, *(token for text in known for token in tokens(text))]',
        "names = list(known[:0])",
        (ACCOUNTS,),
    ),
    Mutant(
        "the_present_password_is_not_asked_for",
        SERVICE,
        "admission.check_password(self.redis, own, current, counted)",
        "pass",
        (ACCOUNTS,),
    ),
    Mutant(
        "the_present_password_can_be_tried_out",
        SERVICE,
        'counted = tries.begin(self.redis, actor.username, source, "")',
        "counted: list[Bucket] = []",
        (ACCOUNTS,),
    ),
    Mutant(
        "another_password_leaves_the_other_sessions",
        SERVICE,
        "        audit.record(session, AuditAction.PASSWORD_CHANGED, source=source)\n"
        "        sessions.end_all(self.redis, actor.user_id, but=token)\n",
        "        audit.record(session, AuditAction.PASSWORD_CHANGED, source=source)\n",
        (ACCOUNTS,),
    ),
    Mutant(
        "ending_the_others_ends_this_one",
        SESSIONS,
        'keys = _keys(redis, user_id) - {_key(but) if but else ""}',
        "keys = _keys(redis, user_id)",
        (ACCOUNTS,),
    ),
    Mutant(
        "a_session_lasts_for_ever",
        SESSIONS,
        "return int(min(lifetime(), end - clock.now()).total_seconds())",
        "return int(lifetime().total_seconds())",
        (ACCOUNTS,),
    ),
    Mutant(
        "using_a_session_does_not_keep_it",
        SESSIONS,
        "    redis.expire(_key(token), seconds)\n",
        "",
        (ACCOUNTS,),
    ),
    Mutant(
        "ended_sessions_stay_in_the_list",
        SESSIONS,
        "    _forget_ended(redis, user_id)\n",
        "",
        (ACCOUNTS,),
    ),
    Mutant(
        "a_new_log_in_leaves_the_browsers_earlier_session",
        "services/gateway/entrance.py",
        "        await ask(log_out, before)\n",
        "        pass\n",
        (LOG_IN,),
    ),
    Mutant(
        "what_was_mistyped_twice_becomes_the_password",
        "services/gateway/routes/account.py",
        "if new.password != new.repeated:",
        "if False:",
        (PAGE,),
    ),
    Mutant(
        "the_bureau_is_asked_without_a_purpose_of_the_law",
        "shared/contracts/telemarketing.py",
        "def check_risk(customer_id: Id, purpose: RiskPurpose = RiskPurpose.SALE)",
        'def check_risk(customer_id: Id, purpose: str = "sale")',
        ("tests/rooms/telemarketing/test_risk.py",),
    ),
    Mutant(
        "what_was_tried_is_only_tried_again",
        "services/risk_central/loads.py",
        'asked = ("file_key", "file_name", "full", "removes_most")',
        'asked = ("file_key", "file_name", "full", "removes_most", "dry_run")',
        (BUREAU,),
    ),
    Mutant(
        "a_file_that_cannot_be_read_is_offered_again",
        "shared/loads/work.py",
        "unreadable = isinstance(error, NotFound) or error.names(*load.hopeless)",
        "unreadable = isinstance(error, NotFound)",
        (FULL_LOAD,),
    ),
    Mutant(
        "true_is_the_first_id",
        "shared/bounds.py",
        "    if isinstance(value, bool):\n        raise ValueError(_NO_NUMBER)",
        "    if isinstance(value, bool) and False:\n        raise ValueError(_NO_NUMBER)",
        ("tests/unit/shared/test_bounds.py",),
    ),
    Mutant(
        "a_number_is_a_moment",
        "shared/bounds.py",
        "    if isinstance(value, int | float):",
        "    if False:",
        ("tests/unit/shared/test_bounds.py",),
    ),
    Mutant(
        "a_line_waits_for_its_last_piece",
        "services/mailer/wire.py",
        "smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)",
        "smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)",
        ("tests/jobs/mailer/test_sending.py",),
    ),
    Mutant(
        "a_line_in_the_open_reads_certificates",
        "services/mailer/wire.py",
        "    smtp = _Secure(context=_trust()) if",
        "    _trust()\n    smtp = _Secure(context=_trust()) if",
        ("tests/jobs/mailer/test_sending.py",),
    ),
]
