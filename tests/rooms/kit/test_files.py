"""The store of files as rooms use it, under eventlet."""

import eventlet

from tests import object_store


def test_objects_pass_while_others_work() -> None:
    turns = 0

    def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            eventlet.sleep(0.001)

    with object_store.running():
        worker = eventlet.spawn(work)
        object_store.check()
        object_store.check_all_or_nothing()
        worker.kill()
    assert turns > 50
