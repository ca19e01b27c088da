"""Faults in who asks the bureau, how much, and what is written down of it."""

from tests.mutants.mutant import Mutant

DOOR = "tests/soap/test_systems.py"
RECORD = "tests/soap/test_record.py"
JOBS = "tests/jobs/risk_central/test_clients.py"
PLANS = "tests/jobs/risk_central/test_plans.py"
ROOM = "tests/rooms/risk_central/test_clients.py"
METER = "services/risk_central/meter.py"
LINES = "services/risk_central/lines.py"
ROSTER = "services/risk_central/roster.py"
QUESTIONS = "services/risk_central/questions.py"

MUTANTS = [
    Mutant(
        "a_former_secret_is_good_for_ever",
        ROSTER,
        "return good and (self.until is None or self.until > time.time())",
        "return good",
        (f"{DOOR}::test_the_former_secret_is_good_until_its_time",),
    ),
    Mutant(
        "a_revoked_client_stays",
        ROSTER,
        "KEPT_SECONDS = 2.0 ",
        "KEPT_SECONDS = 20.0 ",
        (f"{DOOR}::test_who_is_revoked_is_out_within_five_seconds",),
    ),
    Mutant(
        "a_client_asks_from_anywhere",
        "services/risk_central/credentials.py",
        "good = client is not None and client.comes_from(address)",
        "good = client is not None",
        (f"{DOOR}::test_a_client_asks_from_its_addresses_alone",),
    ),
    Mutant(
        "a_batch_costs_one",
        METER,
        "return self._take(len(cedulas), self.nobody, digits=digits)",
        "return self._take(1, self.nobody, digits=digits)",
        (f"{DOOR}::test_a_day_has_so_many_persons",),
    ),
    Mutant(
        "a_search_by_name_costs_one",
        METER,
        'persons = max(1, known) if self.operation == "FindRiskByName" and not code else known',
        "persons = 1 if not code else known",
        (f"{DOOR}::test_a_search_by_name_costs_those_it_finds",),
    ),
    Mutant(
        "the_day_is_that_of_greenwich",
        METER,
        "local day = floor((now[1] - 18000) / 86400)",
        "local day = floor(now[1] / 86400)",
        (f"{DOOR}::test_a_day_is_ecuadors_at_any_hour",),
    ),
    Mutant(
        "who_has_to_wait_asks_redis_each_time",
        "services/risk_central/door.py",
        "        self._meter.check(client)\n",
        "",
        (f"{DOOR}::test_who_has_to_wait_costs_redis_nothing",),
    ),
    Mutant(
        "one_client_takes_all_places",
        "services/risk_central/places.py",
        "if self._own[client.name] >= client.at_once:",
        "if False:",
        (f"{DOOR}::test_a_client_has_its_own_places_and_never_all",),
    ),
    Mutant(
        "the_house_has_no_places_of_its_own",
        "services/risk_central/places.py",
        "max(1, most - most // OURS_OF)",
        "most",
        (f"{DOOR}::test_a_client_has_its_own_places_and_never_all",),
    ),
    Mutant(
        "by_the_long_way_it_is_free",
        "services/risk_central/wsdl.py",
        "lookups.get_risks(redis, cedulas, meter.read))",
        "lookups.get_risks(redis, cedulas))",
        (f"{DOOR}::test_by_the_long_way_it_costs_the_same",),
    ),
    Mutant(
        "what_is_not_on_record_is_answered",
        "services/risk_central/answers.py",
        '            question.settle("" if status == HTTPStatus.OK else faults.code_in(content))\n',
        "            pass\n",
        (f"{RECORD}::test_without_the_record_there_is_no_answer",),
    ),
    Mutant(
        "the_record_names_people",
        LINES,
        'return bytes.fromhex("".join(audit.fingerprints(cedulas)).replace(_MARK, ""))',
        'return " ".join(cedulas).encode()',
        (f"{RECORD}::test_each_question_is_on_record_before_its_answer_leaves",),
    ),
    Mutant(
        "lines_leave_before_they_are_stored",
        QUESTIONS,
        "    _insert(session, taken, [line for line in found if line.is_whole])\n",
        "    _insert(session, taken, [line for line in found if line.is_whole])\n"
        "    forget(redis, found[-1].last)\n",
        (f"{JOBS}::test_a_job_that_is_killed_loses_none_and_takes_none_twice",),
    ),
    Mutant(
        "what_was_lost_is_not_counted",
        QUESTIONS,
        "taken.lost += _gaps(taken.number, numbers) + len(found) - len(added)",
        "taken.lost += len(found) - len(added)",
        (f"{JOBS}::test_what_fell_out_of_the_full_stream_is_counted",),
    ),
    Mutant(
        "who_was_shut_out_comes_back_by_a_former_secret",
        "services/risk_central/clients.py",
        'set_client(session, client, {"active": False, "former_hash": None, "former_until": None})',
        'set_client(session, client, {"active": False})',
        (f"{JOBS}::test_one_that_is_shut_out_has_no_secret_left",),
    ),
    Mutant(
        "a_change_does_not_reach_the_door",
        "services/risk_central/clients.py",
        "    client.version += 1\n    session.flush()\n    _tell(session)\n",
        "    client.version += 1\n    session.flush()\n",
        (f"{ROOM}::test_limits_change_and_the_door_is_told",),
    ),
    Mutant(
        "everybody_learns_who_asked",
        "services/risk_central/client_doors.py",
        "if AuditPermission.READ not in trace.actor().permissions:",
        "if False:",
        (f"{ROOM}::test_only_who_reads_the_record_learns_who_asked",),
    ),
    Mutant(
        "what_was_written_with_a_former_key_is_lost",
        QUESTIONS,
        "for secret_key in settings().secret_keys",
        "for secret_key in settings().secret_keys[:1]",
        (f"{ROOM}::test_who_asked_about_a_person_is_found_and_looking_is_on_record",),
    ),
    Mutant(
        "who_was_shut_out_is_remembered",
        ROSTER,
        "        self._right = {}\n",
        "",
        (f"{DOOR}::test_who_is_revoked_is_out_within_five_seconds",),
    ),
    Mutant(
        "a_refused_question_names_whom_it_did_not_show",
        METER,
        "refused, people, known, code = refused + 1, '', 0, ''",
        "refused, known, code = refused + 1, 0, ''",
        (f"{RECORD}::test_a_question_that_was_refused_names_nobody",),
    ),
    Mutant(
        "a_failed_question_names_whom_it_did_not_show",
        METER,
        "            if code:  # whoever was found is not in the answer\n",
        "            if not code:\n",
        (f"{RECORD}::test_a_question_that_failed_names_nobody",),
    ),
    Mutant(
        "a_long_question_is_a_long_entry",
        LINES,
        "PEOPLE_BYTES = 50 * FINGERPRINT_BYTES",
        "PEOPLE_BYTES = 1000 * FINGERPRINT_BYTES",
        (f"{RECORD}::test_the_stream_is_bounded_in_bytes_whatever_is_asked",),
    ),
    Mutant(
        "half_a_question_is_dropped_between_two_batches",
        QUESTIONS,
        "    if len(found) > 1 and not found[-1].is_whole:",
        "    if False:",
        (f"{JOBS}::test_a_question_that_lies_in_two_batches_is_stored_whole",),
    ),
    Mutant(
        "a_broken_connection_costs_an_answer",
        "services/risk_central/script.py",
        "        except RedisConnectionError:\n            return self._run_anew(key, *told)\n",
        "",
        (f"{RECORD}::test_what_redis_forgot_or_cut_costs_nobody_an_answer",),
    ),
    Mutant(
        "a_day_is_looked_for_in_all_months",
        QUESTIONS,
        "SoapQuestion.id >= _first_id(day), SoapQuestion.id < _first_id(day + timedelta(days=1))",
        "(SoapQuestion.id + 0).between(_first_id(day), _first_id(day + timedelta(days=1)) - 1)",
        (f"{PLANS}::test_questions_are_found_by_an_index",),
    ),
]
