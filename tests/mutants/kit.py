"""Faults in the kit: calls, jobs, events, the relay, health."""

from tests.mutants.mutant import Mutant

DOORS = "tests/rooms/kit/test_doors.py"
EVENTS = "tests/rooms/kit/test_events.py"
JOBS = "tests/jobs/kit/test_jobs.py"
RELAY = "tests/jobs/kit/test_relay.py"
NUMBERS = "tests/unit/shared/test_numbers.py"
FAILS_ONCE = f"{JOBS}::test_a_job_that_failed_once_comes_back_to_its_own_queue_and_ends"
CANNOT = f"{JOBS}::test_a_job_that_cannot_be_done_is_parked_and_ends_what_it_was_for"
REPEATED = f"{DOORS}::test_a_repeated_key_acts_once_and_answers_the_same"
VANISHES = f"{DOORS}::test_a_call_that_nobody_takes_in_time_vanishes"
HEALTH = f"{DOORS}::test_health_tells_of_jobs_that_stay_open_and_messages_that_nobody_takes"
PARKED = f"{EVENTS}::test_what_fails_every_time_is_parked_whole_with_its_error"

MUTANTS = [
    # --- calls ---
    Mutant(
        "late_calls_are_executed",
        "shared/rpc.py",
        "if trace.is_late(context):",
        "if False:",
        (f"{DOORS}::test_what_its_caller_gave_up_is_not_begun",),
    ),
    Mutant(
        "gateway_calls_never_expire",
        "shared/client.py",
        "            expiration=seconds,\n",
        "",
        (VANISHES,),
    ),
    Mutant(
        "rooms_calls_never_expire",
        "shared/rpc.py",
        "            expiration=seconds,\n",
        "",
        (VANISHES,),
    ),
    Mutant(
        "queries_outlive_their_callers",
        "shared/db.py",
        "    if trace.has_deadline():",
        "    if False:",
        (f"{DOORS}::test_a_query_ends_with_the_caller_who_waits_for_it",),
    ),
    Mutant(
        "queries_may_write",
        "shared/rpc.py",
        'return _reading(procedure, text("SET TRANSACTION READ ONLY"))',
        "return _reading(procedure)",
        (f"{DOORS}::test_a_query_cannot_write",),
    ),
    Mutant(
        "a_key_may_come_with_other_arguments",
        "shared/idempotency.py",
        "if found.arguments_hash != digest:",
        "if False:",
        (REPEATED,),
    ),
    Mutant(
        "one_key_is_everybodys",
        "shared/idempotency.py",
        '_asker(actor) if actor else ""',
        '""',
        (f"{DOORS}::test_the_same_key_of_another_user_is_another_command",),
    ),
    Mutant(
        "calls_are_made_inside_a_transaction",
        "shared/rpc.py",
        "        if in_transaction():",
        "        if False:",
        (f"{DOORS}::test_no_call_inside_an_open_transaction",),
    ),
    Mutant(
        "calls_wait_without_end",
        "shared/rpc.py",
        "            with Timeout(seconds):",
        "            with Timeout(300):",
        (f"{DOORS}::test_a_room_waits_for_another_no_longer_than_its_caller",),
    ),
    Mutant(
        "defects_tell_their_details",
        "shared/errors.py",
        'return Unavailable("El servicio no pudo completar la operación. Intente de nuevo.")',
        "return Unavailable(str(error))",
        ("tests/unit/shared/test_contract.py",),
    ),
    Mutant(
        "a_wait_for_a_room_is_a_minute",
        "shared/settings.py",
        "rpc_timeout_seconds: float = Field(default=5, gt=0)",
        "rpc_timeout_seconds: float = Field(default=60, gt=0)",
        ("tests/unit/telemarketing/test_settings.py",),
    ),
    # --- jobs ---
    Mutant(
        "failed_jobs_are_not_parked",
        "shared/job.py",
        "            self.send_again(dead_queue(), ",
        "            (lambda *_args, **_kwargs: None)(dead_queue(), ",
        (f"{CANNOT}[break_rules]",),
    ),
    Mutant(
        "failed_jobs_end_nothing",
        "shared/job.py",
        "if self.failed is not None:",
        "if False:",
        (f"{JOBS}::test_the_end_of_a_failed_job_is_tried_until_it_is_written",),
    ),
    Mutant(
        "jobs_are_acknowledged_first",
        "shared/jobs.py",
        "task_acks_late=True",
        "task_acks_late=False",
        (f"{JOBS}::test_a_worker_killed_with_all_its_children_leaves_its_job_to_the_next",),
    ),
    Mutant(
        "retries_go_to_another_queue",
        "shared/job.py",
        "self.send_again(waiting.queue(seconds, self._own_queue()), **headers)",
        'self.send_again(waiting.queue(seconds, "jobs.nobody"), **headers)',
        (FAILS_ONCE,),
    ),
    Mutant(
        "copy_errors_are_not_retried",
        "shared/job.py",
        "    psycopg2.OperationalError,  # of a raw COPY\n",
        "",
        (FAILS_ONCE,),
    ),
    Mutant(
        "a_killer_is_delivered_for_ever",
        "shared/job.py",
        'self._count("losses") >= MAX_LOSSES',
        "False",
        (f"{CANNOT}[kill_itself]",),
    ),
    Mutant(
        "workers_have_no_memory_limit",
        "shared/jobs.py",
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))",
        "pass",
        (f"{CANNOT}[eat_memory]",),
    ),
    Mutant(
        "open_jobs_are_never_closed",
        "shared/open_jobs.py",
        "session.execute(delete(OpenJob).where(OpenJob.id == UUID(job_id)))",
        "pass",
        (FAILS_ONCE,),
    ),
    Mutant(
        "no_delivery_limit",
        "shared/jobs.py",
        '"x-delivery-limit": DELIVERY_LIMIT,',
        "",
        (f"{JOBS}::test_a_job_that_is_delivered_again_and_again_is_parked_by_the_broker",),
    ),
    Mutant(
        "jobs_have_no_hard_limit",
        "shared/jobs.py",
        "        time_limit=limit + GRACE_SECONDS,\n",
        "",
        (f"{JOBS}::test_a_job_deaf_to_its_limit_is_killed_and_ends",),
    ),
    Mutant(
        "jobs_are_sent_unconfirmed",
        "shared/jobs.py",
        'broker_transport_options={"confirm_publish": True},',
        "",
        ("tests/jobs/kit/test_publishing.py",),
    ),
    Mutant(
        "parked_jobs_are_replayed_unconfirmed",
        "shared/replay.py",
        'options = {"confirm_publish": True}',
        "options: dict[str, bool] = {}",
        ("tests/jobs/kit/test_publishing.py",),
    ),
    Mutant(
        "jobs_give_up_within_a_minute",
        "shared/job.py",
        "    600,\n)",
        "    5,\n)",
        (NUMBERS,),
    ),
    Mutant(
        "fifty_processes_may_go_with_a_job",
        "shared/job.py",
        "MAX_LOSSES = 5 ",
        "MAX_LOSSES = 50 ",
        (NUMBERS,),
    ),
    Mutant(
        "a_job_is_delivered_two_hundred_times",
        "shared/job.py",
        "DELIVERY_LIMIT = 20",
        "DELIVERY_LIMIT = 200",
        (NUMBERS,),
    ),
    Mutant(
        "jobs_may_take_five_hours",
        "shared/settings.py",
        "default=1500, ge=10",
        "default=18000, ge=10",
        ("tests/unit/infra/test_compose.py", NUMBERS),
    ),
    Mutant(
        "logs_quote_the_rows_of_an_error",
        "shared/faults.py",
        "{_said(error)}",
        "{error}",
        (NUMBERS,),
    ),
    # --- events ---
    Mutant(
        "events_wait_five_seconds_only",
        "shared/waiting.py",
        "SECONDS = (5, 60, 600)",
        "SECONDS = (5, 5, 5)",
        (f"{EVENTS}::test_the_waits_are_those_that_are_documented",),
    ),
    Mutant(
        "waits_end_at_once",
        "shared/waiting.py",
        '"x-message-ttl": seconds * 1000',
        '"x-message-ttl": seconds',
        (NUMBERS,),
    ),
    Mutant(
        "an_event_twice_acts_twice",
        "shared/inbox.py",
        "return session.execute(row.returning(Inbox.event_id)).first() is not None",
        "session.execute(row)\n    return True",
        (f"{EVENTS}::test_the_same_event_twice_acts_once",),
    ),
    Mutant(
        "young_deliveries_are_forgotten",
        "shared/inbox.py",
        "Inbox.handled_at < func.now() - age",
        "Inbox.handled_at > func.now() - age",
        ("tests/jobs/customer_query/test_categories.py",),
    ),
    Mutant(
        "failed_events_are_not_parked",
        "shared/events.py",
        'else f"dead.{self.queue.name}"',
        'else "nobody"',
        (PARKED,),
    ),
    Mutant(
        "a_failed_event_is_lost",
        "shared/events.py",
        "            self._put_aside(message, exc_info[1])\n",
        "            pass\n",
        (f"{EVENTS}::test_a_failing_handler_is_tried_again_and_leaves_no_trace_of_the_failure",),
    ),
    Mutant(
        "what_cannot_be_read_stops_the_room",
        "shared/events.py",
        "except (KeyError, ValueError, Denied) as error:",
        "except (KeyError, Denied) as error:",
        (f"{EVENTS}::test_what_cannot_be_read_does_not_stop_the_others",),
    ),
    # --- the relay ---
    Mutant(
        "the_newest_leave_first",
        "shared/relay.py",
        "FROM outbox ORDER BY id LIMIT",
        "FROM outbox ORDER BY id DESC LIMIT",
        (f"{RELAY}::test_events_leave_in_the_order_in_which_they_were_said",),
    ),
    Mutant(
        "the_relay_waits_for_no_confirm",
        "shared/relay.py",
        'transport_options={"confirm_publish": True},',
        "",
        (f"{RELAY}::test_what_the_broker_does_not_confirm_stays_until_it_does",),
    ),
    Mutant(
        "two_relays_work_on_an_outbox",
        "shared/relay.py",
        "return self._holds_lock and self._publish_batch",
        "return self._publish_batch",
        (f"{EVENTS}::test_only_one_relay_works_on_an_outbox",),
    ),
    Mutant(
        "what_was_published_stays",
        "shared/relay.py",
        'cursor.execute("DELETE FROM outbox WHERE id = ANY(%s)", ([r["id"] for r in rows],))',
        "pass",
        (f"{RELAY}::test_events_leave_in_the_order_in_which_they_were_said",),
    ),
    # --- health ---
    Mutant(
        "jobs_without_a_worker_are_healthy",
        "shared/backlog.py",
        "if found.message_count and not found.consumer_count:",
        "if False:",
        (HEALTH,),
    ),
    Mutant(
        "overdue_jobs_are_healthy",
        "shared/backlog.py",
        "if overdue := open_jobs.count_overdue(session):",
        "if overdue := 0:",
        (HEALTH,),
    ),
    Mutant(
        "an_outbox_nobody_publishes_is_healthy",
        "shared/backlog.py",
        "if unpublished := session.execute(waiting).scalar_one():",
        "if unpublished := 0:",
        (HEALTH,),
    ),
]
