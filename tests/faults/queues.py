"""Prints the names of all queues of the product whose settings the environment holds."""

import json

from shared import jobs, waiting
from shared.events import dead_queue, handlers_of
from shared.room import ROOMS, load


def names() -> list[str]:
    """Queues of jobs, of events, of waits, and the dead ones."""
    found = [queue.name for queue in jobs.app.conf.task_queues]
    found += [waiting.queue(seconds).name for seconds in waiting.SECONDS]
    for room in ROOMS:
        for method, handler in handlers_of(load(room)):
            queue = handler.queue_for(room, method)
            found += [queue.name, dead_queue(queue.name).name]
    return found


if __name__ == "__main__":
    print(json.dumps(names()))
