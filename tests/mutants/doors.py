"""Faults in who may come in: log-ins, sessions, permissions, headers, uploads, the bureau."""

from tests.mutants.mutant import Mutant

IDENTITY = "tests/rooms/identity/test_identity.py"
PASSWORDS = "tests/rooms/identity/test_passwords.py"
GUARDS = "tests/unit/gateway/test_guards.py"
ROUTES = "tests/unit/gateway/test_permissions.py"
SESSION = "tests/unit/gateway/test_session.py"
UPLOADS = "tests/unit/gateway/test_uploads.py"
DESIGN = "tests/unit/gateway/test_design.py"
USERS = "tests/unit/gateway/test_identity.py"
MAILING = "tests/unit/gateway/test_mailing.py"
SOAP_LIMITS = "tests/soap/test_limits.py"
SOAP_DOOR = "tests/soap/test_door.py"
SOAP_ANSWERS = "tests/soap/test_contract.py"
SOAP_LOAD = "tests/soap/test_load.py"
RISK_LOAD = "tests/jobs/risk_central/test_load.py"
ENDS_SESSIONS = f"{IDENTITY}::test_a_new_role_or_password_ends_all_sessions"

MUTANTS = [
    # --- sessions ---
    Mutant(
        "sessions_never_expire",
        "services/identity/sessions.py",
        "pipe.set(_key(token), json.dumps(about), ex=lifetime())",
        "pipe.set(_key(token), json.dumps(about))",
        (
            f"{IDENTITY}::test_a_session_lasts_twelve_hours_unless_told",
            f"{IDENTITY}::test_a_session_expires_by_itself",
        ),
    ),
    Mutant(
        "tokens_are_stored_as_they_are",
        "services/identity/sessions.py",
        'key(f"session:{hashlib.sha256(token.encode()).hexdigest()}")',
        'key(f"session:{token}")',
        (f"{IDENTITY}::test_a_token_is_stored_only_as_its_hash",),
    ),
    Mutant(
        "a_new_role_keeps_the_sessions",
        "services/identity/user_doors.py",
        '_ENDS_SESSIONS = {"password_hash", "role", "active"}',
        '_ENDS_SESSIONS = {"password_hash", "active"}',
        (ENDS_SESSIONS,),
    ),
    Mutant(
        "the_last_administrator_may_leave",
        "services/identity/roles.py",
        "    if session.execute(left).scalar_one() == 0:",
        "    if False:",
        (f"{IDENTITY}::test_the_last_active_administrator_stays",),
    ),
    Mutant(
        "the_deactivated_log_in",
        "services/identity/admission.py",
        "    if who.state in CLOSED:",
        "    if False:",
        (f"{IDENTITY}::test_a_deactivated_user_cannot_log_in",),
    ),
    Mutant(
        "passwords_are_hashed_in_a_moment",
        "services/identity/passwords.py",
        "time_cost=3, memory_cost=64 * 1024",
        "time_cost=1, memory_cost=1024",
        (f"{PASSWORDS}::test_a_hash_is_argon2id_with_64_mib_three_passes_and_four_lanes",),
    ),
    Mutant(
        "unknown_users_are_answered_sooner",
        "services/identity/passwords.py",
        "    found = _work_out(lambda: _matches(password_hash or _NOBODY, password))\n",
        "    if not password_hash:\n        return False\n"
        "    found = _work_out(lambda: _matches(password_hash or _NOBODY, password))\n",
        (f"{PASSWORDS}::test_an_unknown_user_costs_the_same_and_is_never_right",),
    ),
    Mutant(
        "passwords_take_all_workers",
        "services/identity/passwords.py",
        "SHARE = 0.2 ",
        "SHARE = 1.0 ",
        (PASSWORDS,),
    ),
    # --- permissions ---
    Mutant(
        "anybody_makes_campaigns",
        "services/gateway/api/campaign.py",
        "contract.create_campaign, allow=WRITE",
        "contract.create_campaign, allow=CustomerPermission.READ",
        (ROUTES,),
    ),
    Mutant(
        "anybody_sends_mail",
        "services/gateway/api/mailing.py",
        "contract.create_mailing, allow=SEND",
        "contract.create_mailing, allow=READ",
        (ROUTES,),
    ),
    Mutant(
        "anybody_changes_users",
        "services/gateway/routes/identity.py",
        '@pages.post("/usuarios/{user_id}", allow=UserPermission.WRITE',
        '@pages.post("/usuarios/{user_id}", allow=CustomerPermission.READ',
        (ROUTES,),
    ),
    Mutant(
        "routes_are_open_to_every_user",
        "services/gateway/routing.py",
        "if not enough & session.permissions:",
        "if False:",
        (ROUTES,),
    ),
    Mutant(
        "advisors_erase_people",
        "shared/contracts/customer_query.py",
        '"Eliminar los datos de un cliente", ',
        '"Eliminar los datos de un cliente", Role.ADVISOR, ',
        (ROUTES,),
    ),
    # --- headers and origins ---
    Mutant(
        "inline_scripts_are_allowed",
        "services/gateway/guards.py",
        "\"default-src 'self'\"",
        "\"default-src 'self' 'unsafe-inline'\"",
        (GUARDS,),
    ),
    Mutant(
        "other_sites_frame_the_pages",
        "services/gateway/guards.py",
        "        \"frame-ancestors 'none'\",\n",
        "",
        (GUARDS,),
    ),
    Mutant(
        "a_sibling_sites_forms_are_taken",
        "services/gateway/guards.py",
        'return site in ("same-origin", "none")',
        'return site in ("same-origin", "same-site", "none")',
        (GUARDS,),
    ),
    Mutant(
        "forms_without_an_origin_are_taken",
        "services/gateway/guards.py",
        'return COOKIE not in headers.get("cookie", "") or "authorization" in headers',
        "return True",
        (GUARDS,),
    ),
    Mutant(
        "callers_choose_their_trace_id",
        "services/gateway/guards.py",
        "        with trace.use():\n",
        "        given = Headers(scope=scope).get(trace.HTTP_HEADER)\n"
        "        with trace.use(trace_id=given):\n",
        (GUARDS,),
    ),
    Mutant(
        "scripts_read_the_cookie",
        "services/gateway/session.py",
        '        httponly=True,\n        samesite="lax",\n        secure=',
        '        httponly=False,\n        samesite="lax",\n        secure=',
        (USERS,),
    ),
    Mutant(
        "the_cookie_goes_out_unencrypted",
        "services/gateway/session.py",
        'secure=settings().public_url.startswith("https://"),',
        "secure=False,",
        (USERS,),
    ),
    Mutant(
        "a_log_in_leads_elsewhere",
        "services/gateway/session.py",
        'or address[1:2] in ("/", "\\\\"):',
        'or address[1:2] == "\\\\":',
        (f"{SESSION}::test_no_log_in_leads_elsewhere",),
    ),
    # --- files and previews ---
    Mutant(
        "anothers_upload_is_ones_own",
        "services/gateway/uploads.py",
        '"\\n".join((ask.username, ask.key, content))',
        '"\\n".join((ask.key, content))',
        (UPLOADS,),
    ),
    Mutant(
        "a_contents_key_can_be_told",
        "services/gateway/uploads.py",
        "hmac.new(settings().secret_key.encode(), words.encode()",
        'hmac.new(b"", words.encode()',
        (UPLOADS,),
    ),
    Mutant(
        "previews_run_scripts",
        "services/gateway/previews.py",
        'policy = f"sandbox{may}; ',
        'policy = f"sandbox allow-scripts{may}; ',
        (DESIGN,),
    ),
    Mutant(
        "previews_load_anything",
        "services/gateway/previews.py",
        "default-src 'none'; ",
        "default-src *; ",
        (DESIGN,),
    ),
    Mutant(
        "a_scanner_unsubscribes",
        "services/gateway/routes/unsubscribe.py",
        "subscription = await ask(get_subscription, token)",
        "subscription = await ask(unsubscribe, token)",
        (f"{MAILING}::test_opening_the_link_only_asks",),
    ),
    # --- the bureau ---
    Mutant(
        "the_bureau_asks_for_no_password",
        "services/risk_central/credentials.py",
        "hmac.compare_digest(shown, self._good)",
        "bool(given)",
        (f"{SOAP_LIMITS}::test_whoever_does_not_show_both_stays_outside",),
    ),
    Mutant(
        "a_message_may_be_endless",
        "services/risk_central/door.py",
        "    if len(body) > MAX_BODY_BYTES:\n",
        "    if False:\n",
        (f"{SOAP_LIMITS}::test_a_message_has_at_most_a_megabyte_whether_it_says_so_or_not",),
    ),
    Mutant(
        "a_hundred_and_sixty_are_at_work",
        "services/risk_central/door.py",
        "_MAX_AT_ONCE = 16\n",
        "_MAX_AT_ONCE = 160\n",
        (SOAP_LIMITS,),
    ),
    Mutant(
        "a_batch_may_have_ten_thousand",
        "services/risk_central/rules.py",
        "MAX_CEDULAS = 1000",
        "MAX_CEDULAS = 10000",
        (f"{SOAP_LIMITS}::test_a_batch_has_at_most_a_thousand_cedulas",),
    ),
    Mutant(
        "homonyms_are_not_limited",
        "services/risk_central/rules.py",
        "    return min(limit, MAX_LIMIT)",
        "    return limit",
        ("tests/unit/risk_central/test_rules.py::test_the_limit_has_bounds",),
    ),
    Mutant(
        "a_dtd_is_read",
        "services/risk_central/reading.py",
        "    if root.getroottree().docinfo.internalDTD is not None:",
        "    if False:",
        (SOAP_DOOR,),
    ),
    Mutant(
        "names_break_the_answer",
        "services/risk_central/envelope.py",
        "<tns:full_name>{escape(report.full_name)}</tns:full_name>",
        "<tns:full_name>{report.full_name}</tns:full_name>",
        (f"{SOAP_ANSWERS}::test_special_characters_survive",),
    ),
    Mutant(
        "a_changed_name_stays_in_the_index",
        "services/risk_central/store.py",
        "    name_index.remove(redis, edition, removed)\n",
        "",
        (f"{SOAP_LOAD}::test_a_changed_name_moves_in_the_index",),
    ),
    Mutant(
        "a_cedula_may_come_twice_in_a_load",
        "shared/loads/load.py",
        "        if key in self._seen:",
        "        if False:",
        (SOAP_LOAD,),
    ),
    Mutant(
        "a_broken_risk_file_is_loaded_by_half",
        "services/risk_central/load.py",
        "    whole = True\n",
        "    whole = False\n",
        (f"{RISK_LOAD}::test_a_file_that_breaks_in_the_middle_loads_nothing",),
    ),
    Mutant(
        "two_loads_mix",
        "services/risk_central/load.py",
        "        with lock:\n",
        "        if lock.acquire() or True:\n",
        (f"{SOAP_LOAD}::test_two_loads_at_once_are_kept_apart",),
    ),
    Mutant(
        "unchanged_categories_are_announced",
        "services/risk_central/store.py",
        "if change.old is None or change.old[0] != change.new[0]",
        "if True",
        ("tests/jobs/risk_central/test_load.py::test_only_new_categories_are_announced",),
    ),
    Mutant(
        "a_form_is_read_by_any_codec",
        "services/gateway/routing.py",
        "                bodies.check_charset(request.headers)\n",
        "",
        ("tests/unit/gateway/test_problems.py::test_a_form_is_read_as_utf8_or_not_at_all",),
    ),
    Mutant(
        "who_was_called_is_given_back",
        "services/telemarketing/service.py",
        "            raise results.recorded(call)\n",
        "            pass\n",
        ("tests/rooms/telemarketing/test_calls.py::test_who_was_called_is_not_given_back",),
    ),
]
