"""The faults: where, what stands there, what is planted, and which tests must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A fault of one place; `tests` are pytest selections, each a process of its own."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


KIT_JOBS = ("tests/jobs/kit",)
KIT_DOORS = ("tests/rooms/kit/test_doors.py",)
KIT_EVENTS = ("tests/rooms/kit/test_events.py",)
TRANSFER = ("tests/jobs/campaign/test_transfer.py",)
AUDIENCE = ("tests/jobs/campaign",)
PEOPLE = ("tests/rooms/customer_query/test_contact_states.py",)
GUARDS = ("tests/unit/gateway/test_guards.py",)
ROUTES = ("tests/unit/gateway/test_permissions.py",)

MUTANTS = [
    # --- calls ---
    Mutant(
        "late_calls_are_executed",
        "shared/rpc.py",
        "if trace.is_late(context):",
        "if False:",
        KIT_DOORS,
    ),
    Mutant(
        "gateway_calls_never_expire",
        "shared/rooms.py",
        "            expiration=seconds,\n",
        "",
        KIT_DOORS,
    ),
    Mutant(
        "rooms_calls_never_expire",
        "shared/rpc.py",
        "            expiration=seconds,\n",
        "",
        KIT_DOORS,
    ),
    Mutant(
        "queries_outlive_their_callers",
        "shared/db.py",
        "    if trace.has_deadline():",
        "    if False:",
        KIT_DOORS,
    ),
    Mutant(
        "queries_may_write",
        "shared/rpc.py",
        'session.execute(text("SET TRANSACTION READ ONLY"))',
        "pass",
        KIT_DOORS,
    ),
    Mutant(
        "a_key_may_come_with_other_arguments",
        "shared/idempotency.py",
        "found.arguments_hash != digest or ",
        "",
        KIT_DOORS,
    ),
    # --- jobs ---
    Mutant(
        "failed_jobs_are_not_parked",
        "shared/job.py",
        "            self.send_again(dead_queue(), ",
        "            (lambda *_args, **_kwargs: None)(dead_queue(), ",
        KIT_JOBS,
    ),
    Mutant(
        "failed_jobs_end_nothing",
        "shared/job.py",
        "if self.failed is not None:",
        "if False:",
        KIT_JOBS,
    ),
    Mutant(
        "jobs_are_acknowledged_first",
        "shared/jobs.py",
        "task_acks_late=True",
        "task_acks_late=False",
        KIT_JOBS,
    ),
    Mutant(
        "retries_go_to_another_queue",
        "shared/job.py",
        "self.send_again(waiting.queue(seconds, self._own_queue()), **headers)",
        'self.send_again(waiting.queue(seconds, "jobs.nobody"), **headers)',
        KIT_JOBS,
    ),
    Mutant(
        "copy_errors_are_not_retried",
        "shared/job.py",
        "    psycopg2.OperationalError,  # of a raw COPY\n",
        "",
        KIT_JOBS,
    ),
    Mutant(
        "a_killer_is_delivered_for_ever",
        "shared/job.py",
        'self._count("losses") >= MAX_LOSSES',
        "False",
        KIT_JOBS,
    ),
    Mutant(
        "workers_have_no_memory_limit",
        "shared/jobs.py",
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))",
        "pass",
        KIT_JOBS,
    ),
    Mutant(
        "open_jobs_are_never_closed",
        "shared/open_jobs.py",
        "session.execute(delete(OpenJob).where(OpenJob.id == UUID(job_id)))",
        "pass",
        KIT_JOBS,
    ),
    Mutant(
        "no_delivery_limit",
        "shared/jobs.py",
        '"x-delivery-limit": DELIVERY_LIMIT,',
        "",
        KIT_JOBS,
    ),
    # --- events ---
    Mutant(
        "events_wait_five_seconds_only",
        "shared/waiting.py",
        "SECONDS = (5, 60, 600)",
        "SECONDS = (5, 5, 5)",
        KIT_EVENTS,
    ),
    Mutant(
        "an_event_twice_acts_twice",
        "shared/inbox.py",
        "return session.execute(row.returning(Inbox.event_id)).first() is not None",
        "session.execute(row)\n    return True",
        KIT_EVENTS,
    ),
    # --- transfers ---
    Mutant(
        "chunks_are_not_counted",
        "shared/transfer.py",
        "if (rows, checksum) != (chunk.rows, chunk.checksum):",
        "if False:",
        TRANSFER,
    ),
    Mutant(
        "rows_sent_are_not_counted",
        "shared/transfer.py",
        "if rows != told:",
        "if False:",
        TRANSFER,
    ),
    Mutant(
        "totals_are_not_compared",
        "shared/transfer.py",
        "if (rows, checksum) != (transfer.expected_rows, transfer.expected_checksum):",
        "if False:",
        TRANSFER,
    ),
    Mutant(
        "late_chunks_of_a_failed_transfer_are_loaded",
        "shared/transfer.py",
        "Transfer.id == transfer_id, Transfer.completed_at.is_(None), Transfer.failed_at.is_(None)",
        "Transfer.id == transfer_id, Transfer.completed_at.is_(None)",
        AUDIENCE,
    ),
    # --- campaign ---
    Mutant(
        "late_editions_stay",
        "services/campaign/audience.py",
        "        edition.state = _SUPERSEDED\n",
        "",
        AUDIENCE,
    ),
    Mutant(
        "news_of_editions_on_their_way_are_lost",
        "services/campaign/audience.py",
        "    contact_states.catch_up(session, audience_id)\n",
        "",
        AUDIENCE,
    ),
    Mutant(
        "older_states_overwrite_newer",
        "services/campaign/contact_states.py",
        "where=(ContactNews.version < news.excluded.version) & ~ContactNews.erased,",
        "",
        ("tests/rooms/campaign/test_facts.py",),
    ),
    Mutant(
        "older_runs_overwrite_newer",
        "services/campaign/facts.py",
        "            where=MailingFact.version < statement.excluded.version,\n",
        "",
        ("tests/rooms/campaign/test_facts.py",),
    ),
    Mutant(
        "waiting_exports_never_hear",
        "services/campaign/failures.py",
        "announce(session, exports.fail_waiting(session, edition.campaign_id), reason)",
        "pass",
        AUDIENCE,
    ),
    # --- customers ---
    Mutant(
        "the_cap_is_one_higher",
        "services/customer_query/segment_sql.py",
        "touches >= settings().contact_cap",
        "touches > settings().contact_cap",
        PEOPLE,
    ),
    Mutant(
        "the_cap_is_told_as_a_state",
        "services/customer_query/segment_sql.py",
        "        (Customer.mail_bounced, Block.BOUNCED.value),\n    )",
        "        (Customer.mail_bounced, Block.BOUNCED.value),\n"
        "        (over_cap(), Block.OVER_CAP.value),\n    )",
        PEOPLE,
    ),
    Mutant(
        "old_words_of_the_bureau_win",
        "services/customer_query/contact_events.py",
        "return or_(known_at.is_(None), known_at <= at)",
        "return known_at.is_(None) | known_at.is_not(None)",
        PEOPLE,
    ),
    Mutant(
        "failed_imports_run_for_ever",
        "services/customer_query/jobs.py",
        "failed=fail_import)",
        "failed=None)",
        ("tests/jobs/customer_query/test_ends.py",),
    ),
    # --- pages ---
    Mutant(
        "inline_scripts_are_allowed",
        "services/gateway/guards.py",
        "\"default-src 'self'\"",
        "\"default-src 'self' 'unsafe-inline'\"",
        GUARDS,
    ),
    Mutant(
        "anybody_makes_campaigns",
        "services/gateway/api/campaign.py",
        '@api.post("/campaigns", allow=Permission.CAMPAIGN_WRITE',
        '@api.post("/campaigns", allow=Permission.CUSTOMER_READ',
        ROUTES,
    ),
    Mutant(
        "anybody_sends_mail",
        "services/gateway/api/mailing.py",
        "allow=Permission.MAIL_SEND",
        "allow=Permission.CUSTOMER_READ",
        ROUTES,
    ),
    Mutant(
        "anybody_changes_users",
        "services/gateway/routes/identity.py",
        '@pages.post("/usuarios/{user_id}", allow=Permission.USER_WRITE',
        '@pages.post("/usuarios/{user_id}", allow=Permission.CUSTOMER_READ',
        ROUTES,
    ),
]
