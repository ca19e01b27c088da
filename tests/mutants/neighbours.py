"""Faults in who may reach whom at the servers."""

from tests.mutants.mutant import Mutant

RIGHTS = "tests/unit/infra/test_rights.py"
TABLE = "tests/unit/shared/test_neighbours.py"

MUTANTS = [
    Mutant(
        "a_room_reaches_any_queue_by_the_default_exchange",
        "infra/accounts/broker.py",
        '(r"later\\.\\d+s", "jobs", "parked")',
        '(r"later\\.\\d+s", "jobs", "parked", "amq\\.default")',
        (RIGHTS,),
    ),
    Mutant(
        "what_waits_comes_back_to_anybody",
        "infra/accounts/broker.py",
        "own = [names.heard(rooms), names.jobs(rooms)]",
        "own = [names.heard(ROOMS), names.jobs(ROOMS)]",
        (RIGHTS,),
    ),
    Mutant(
        "a_name_within_a_name_is_the_name",
        "infra/accounts/broker.py",
        'return f"^({joined})$" if joined else NOTHING',
        "return joined or NOTHING",
        (RIGHTS,),
    ),
    Mutant(
        "who_may_nothing_may_all",
        "infra/accounts/broker.py",
        'NOTHING = "^$"',
        'NOTHING = ""',
        (RIGHTS,),
    ),
    Mutant(
        "every_key_is_everybodys",
        "infra/accounts/keys.py",
        'f"~{first}{begin}*"',
        'f"~{first}*"',
        (RIGHTS,),
    ),
    Mutant(
        "workers_take_orders_by_the_broker",
        "shared/jobs.py",
        "worker_enable_remote_control=False",
        "worker_enable_remote_control=True",
        (TABLE,),
    ),
    Mutant(
        "a_key_of_telemarketing_names_no_room",
        "services/telemarketing/flights.py",
        'key(f"telemarketing:flight:',
        'key(f"flight:',
        (TABLE,),
    ),
    Mutant(
        "former_keys_sign_nothing_any_more",
        "infra/native/environment.py",
        '"PREGON_FORMER_KEYS": ",".join(former)',
        '"PREGON_FORMER_KEYS": ""',
        ("tests/unit/infra/test_rotation.py",),
    ),
]
