"""Faults in lists: their order, their total, what users keep of them, acting on many."""

from tests.mutants.mutant import Mutant

KEYSET, PAGE = "tests/jobs/kit/test_keyset.py", "tests/unit/gateway/test_lists.py"
VIEWS, USERS = "tests/rooms/identity/test_views.py", "tests/rooms/identity/test_identity.py"

MUTANTS = [
    Mutant(
        "a_total_of_a_bound_is_called_exact",
        "shared/keyset.py",
        "exact=rows <= MOST_COUNTED",
        "exact=True",
        (KEYSET,),
    ),
    Mutant(
        "what_is_sorted_is_not_sorted_back",
        "shared/keyset.py",
        "[key.desc() if descends else key for key in keys]",
        "keys",
        (KEYSET,),
    ),
    Mutant(
        "every_word_is_not_sought",
        "shared/search.py",
        'fold(text or "").split()]',
        'fold(text or "").split()[:1]]',
        (USERS,),
    ),
    Mutant(
        "others_forget_what_one_keeps",
        "services/identity/views.py",
        "ListView.id == view_id, ListView.user_id == user_id)",
        "ListView.id == view_id)",
        (VIEWS,),
    ),
    Mutant(
        "what_one_keeps_is_seen_by_all",
        "services/identity/views.py",
        "or_(ListView.user_id == user_id, ListView.shared)",
        "or_(ListView.user_id == user_id, ListView.id > 0)",
        (VIEWS,),
    ),
    Mutant(
        "a_list_can_be_asked_with_anything",
        "shared/lists.py",
        "        except ValidationError:\n            return None\n",
        "        except ValidationError:\n            return text\n",
        (PAGE,),
    ),
    Mutant(
        "portions_share_a_key",
        "services/gateway/bulk.py",
        "await ask.part(str(part[0]))(",
        "await ask(",
        (PAGE,),
    ),
    Mutant(
        "more_than_ten_thousand_are_acted_on",
        "services/gateway/bulk.py",
        "if len(ids) > MOST:",
        "if not ids:",
        (PAGE,),
    ),
    Mutant(
        "one_that_is_refused_takes_the_others_along",
        "shared/many.py",
        "        except PregonError as error:\n",
        "        except ZeroDivisionError as error:\n",
        (USERS,),
    ),
    Mutant(
        "who_is_deactivated_stays_logged_in",
        "services/identity/user_doors.py",
        "                sessions.end_all(self.redis, user_id)\n",
        "",
        (USERS,),
    ),
]
