"""Faults in the tokens of other systems."""

from tests.mutants.mutant import Mutant

ROOM = "tests/rooms/identity/test_tokens.py"
KIT = "tests/rooms/kit/test_systems.py"
DOOR = "tests/unit/gateway/test_tokens.py"
CONTRACTS = "tests/unit/shared/test_contracts.py"
CHAIN = "tests/rooms/identity/test_audit_chain.py"
TOKENS = "services/identity/tokens.py"
USE = "services/identity/token_use.py"

MUTANTS = [
    Mutant(
        "an_id_is_enough",
        TOKENS,
        '    .where(ApiToken.secret_hash == bindparam("secret_hash"))\n',
        '    .where(bindparam("secret_hash").is_not(None))\n',
        (ROOM,),
    ),
    Mutant(
        "a_token_may_what_its_scopes_say",
        TOKENS,
        "allowed = self.user.actor.permissions & set(self.token.scopes) - IN_PERSON",
        "allowed = frozenset(self.token.scopes) - IN_PERSON",
        (ROOM,),
    ),
    Mutant(
        "a_token_may_what_its_user_may",
        TOKENS,
        "allowed = self.user.actor.permissions & set(self.token.scopes) - IN_PERSON",
        "allowed = self.user.actor.permissions - IN_PERSON",
        (ROOM,),
    ),
    Mutant(
        "what_was_given_once_stays_given",
        TOKENS,
        "& set(self.token.scopes) - IN_PERSON",
        "& set(self.token.scopes)",
        (ROOM,),
    ),
    Mutant(
        "a_user_who_is_gone_leaves_the_token",
        TOKENS,
        "return TokenState.RUNNING if user is UserState.ACTIVE else TokenState.STOPPED",
        "return TokenState.RUNNING",
        (ROOM,),
    ),
    Mutant(
        "a_token_is_for_ever",
        TOKENS,
        "if token.expires_on < clock.today():",
        "if False:",
        (ROOM,),
    ),
    Mutant(
        "an_address_that_cannot_be_read_is_taken",
        TOKENS,
        "    except ValueError:\n        return False\n",
        "    except ValueError:\n        return True\n",
        (ROOM,),
    ),
    Mutant(
        "scopes_beyond_the_role_are_given",
        TOKENS,
        "if beyond := sorted(set(new.scopes) - found.actor.permissions):",
        "if beyond := sorted(set[str]()):",
        (ROOM,),
    ),
    Mutant(
        "each_refusal_is_a_line",
        USE,
        "return bool(redis.set(name, 1, nx=True, ex=RECORDED_SECONDS))",
        "return bool(redis.set(name, 1, ex=RECORDED_SECONDS))",
        (ROOM,),
    ),
    Mutant(
        "each_use_is_written_down",
        USE,
        "NOTED_SECONDS = 60 ",
        "NOTED_SECONDS = 0 ",
        (ROOM,),
    ),
    Mutant(
        "the_measure_is_shared",
        USE,
        'name = key(f"identity:token:{token.id}")\n    wait,',
        'name = key("identity:token:all")\n    wait,',
        (ROOM,),
    ),
    Mutant(
        "a_wrong_one_makes_its_neighbours_wait",
        "services/identity/token_doors.py",
        "        use = token_use.take(self.redis, found.token)\n",
        "        token_use.slow_down(self.redis, source)\n"
        "        use = token_use.take(self.redis, found.token)\n",
        (ROOM,),
    ),
    Mutant(
        "a_secret_is_told_twice",
        "shared/idempotency.py",
        "procedure.encode_kept(reply)",
        "procedure.encode_reply(reply)",
        (KIT,),
    ),
    Mutant(
        "a_systems_keys_are_its_users",
        "shared/idempotency.py",
        'return f"{actor.username} {actor.system}" if actor.system else actor.username',
        "return actor.username",
        (KIT,),
    ),
    Mutant(
        "a_system_does_what_is_for_persons",
        "shared/rpc.py",
        "if asker is not None and asker.system and self.procedure.in_person:",
        "if False:",
        (KIT,),
    ),
    Mutant(
        "passwords_are_not_for_persons",
        "shared/contracts/identity.py",
        '@procedure("identity", scope=SELF, in_person=True)\ndef change_password(',
        '@procedure("identity", scope=SELF)\ndef change_password(',
        (CONTRACTS,),
    ),
    Mutant(
        "a_token_opens_pages",
        "services/gateway/systems.py",
        "token = read_bearer(request) if is_api(request) else None",
        "token = read_bearer(request)",
        (DOOR,),
    ),
    Mutant(
        "a_cookie_may_be_a_token",
        "services/gateway/systems.py",
        "token = read_bearer(request) if is_api(request) else None",
        'token = read_bearer(request) or request.cookies.get("pregon_session")\n'
        "    token = token if is_api(request) else None",
        (DOOR,),
    ),
    Mutant(
        "who_has_to_wait_asks_identity_each_time",
        "services/gateway/systems.py",
        "    waits.check(token, source)\n",
        "",
        (DOOR,),
    ),
    Mutant(
        "too_often_is_not_allowed",
        "services/gateway/problems.py",
        "too_often = wait is not None and isinstance(error, Denied)",
        "too_often = False",
        (DOOR,),
    ),
    Mutant(
        "nobody_is_told_which_system_it_was",
        "shared/contracts/audit.py",
        "    if entry.system:\n",
        "    if False:\n",
        (ROOM,),
    ),
    Mutant(
        "which_system_it_was_can_be_changed",
        "services/identity/chain.py",
        "    values |= {name: line[name] for name in LINKED_LATER if line.get(name)}\n",
        "",
        (CHAIN,),
    ),
]
