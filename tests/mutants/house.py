"""Faults in what every room stands on: lists, commands that ask, forgetting, live, notices."""

from tests.mutants.mutant import Mutant

KEYSET = "tests/jobs/kit/test_keyset.py"
FORGETTING = "tests/jobs/kit/test_forgetting.py"
DOORS = "tests/rooms/kit/test_doors.py"
LIVE = "tests/unit/gateway/test_live.py"
NOTICES = "tests/rooms/identity/test_notices.py"

MUTANTS = [
    Mutant(
        "a_list_repeats_its_last_row",
        "shared/keyset.py",
        "return columns < place if keys[0].descends else columns > place",
        "return columns <= place if keys[0].descends else columns >= place",
        (f"{KEYSET}::test_all_slices_make_the_list_and_back_again",),
    ),
    Mutant(
        "mixed_orders_lose_rows",
        "shared/keyset.py",
        "for index in range(len(keys))",
        "for index in range(1)",
        (f"{KEYSET}::test_all_slices_make_the_list_and_back_again",),
    ),
    Mutant(
        "going_back_comes_in_the_wrong_order",
        "shared/keyset.py",
        "        kept.reverse()\n",
        "        pass\n",
        (f"{KEYSET}::test_all_slices_make_the_list_and_back_again",),
    ),
    Mutant(
        "a_cursor_may_hold_a_nul",
        "shared/keyset.py",
        r'pattern=r"^[^\x00]*$"',
        'pattern=""',
        (f"{KEYSET}::test_a_cursor_with_a_character_that_no_text_holds_is_refused",),
    ),
    Mutant(
        "a_known_key_asks_again",
        "shared/rpc.py",
        "                    return known.reply\n",
        "                    pass\n",
        (f"{DOORS}::test_a_command_that_asks_first_asks_and_acts_once_for_its_key",),
    ),
    Mutant(
        "hashes_hold_passwords",
        "shared/contract.py",
        "name in value.model_fields_set and not is_secret(field)",
        "name in value.model_fields_set",
        (f"{FORGETTING}::test_no_hash_leads_to_a_password",),
    ),
    Mutant(
        "replies_about_people_are_kept_for_two_days",
        "shared/idempotency.py",
        "KEPT = timedelta(hours=23)",
        "KEPT = timedelta(hours=47)",
        (FORGETTING,),
    ),
    Mutant(
        "erased_people_stay_in_replies",
        "shared/idempotency.py",
        "session.execute(update(Command).where(about).values(reply=None))",
        "pass",
        (FORGETTING,),
    ),
    Mutant(
        "erased_people_stay_in_parked_messages",
        "shared/parked.py",
        "return GONE if key in customer_ids or GONE in kept.values() else kept",
        "return kept",
        (FORGETTING,),
    ),
    Mutant(
        "parked_rows_stay_for_ever",
        "shared/parked.py",
        "    if message.content_type != JSON:\n        return None\n",
        "    if message.content_type != JSON:\n        return message.body\n",
        (FORGETTING,),
    ),
    Mutant(
        "old_transfers_are_kept",
        "shared/forgetting.py",
        "KEPT = (inbox, idempotency, transfer)",
        "KEPT = (inbox, idempotency)",
        (FORGETTING,),
    ),
    Mutant(
        "everybody_hears_of_everything",
        "services/gateway/live.py",
        "return self.allow is None or self.allow in session.permissions",
        "return True",
        (f"{LIVE}::test_each_hears_only_of_what_the_own_pages_may_show",),
    ),
    Mutant(
        "notices_of_others_are_heard",
        "services/gateway/live.py",
        "return self.username == session.actor.username",
        "return True",
        (f"{LIVE}::test_a_notice_is_heard_by_its_user_alone",),
    ),
    Mutant(
        "a_browser_that_was_away_misses_what_happened",
        "services/gateway/live.py",
        "            return self._last, True\n        return int(after) - MARGIN, False",
        "            return self._last, False\n        return self._last, False",
        (LIVE,),
    ),
    Mutant(
        "users_are_told_twice",
        "services/identity/notices.py",
        "return [username for user_id, username in people if user_id in ids]",
        "return [username for _, username in people]",
        (f"{NOTICES}::test_a_user_is_told_once_for_each_reference",),
    ),
    Mutant(
        "anybodys_notices_open",
        "services/identity/notices.py",
        "if found is None or found.user_id != user_id:",
        "if found is None:",
        (f"{NOTICES}::test_opening_reads_and_another_ones_notice_is_not_there",),
    ),
    Mutant(
        "stale_changes_are_taken",
        "shared/edits.py",
        "if seen is None or",
        "if True or",
        ("tests/rooms/customer_query/test_edits.py",),
    ),
]
