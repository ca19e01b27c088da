"""The process of some rooms, or of a group of them: `python -m shared.serve campaign small`."""

import os
import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning, module="eventlet|nameko")
# Its own resolver keeps an answer for ever: a broker on a new address would stay lost
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

import eventlet

eventlet.monkey_patch()  # before anything else is imported

import signal
import sys

from eventlet.event import Event
from nameko.runners import ServiceRunner

from shared import log
from shared.contracts import process_of, rooms_of
from shared.room import load
from shared.rpc import container_config

STOP_SECONDS = 8.0  # longer than a call may take; nameko alone waits for a broker that is away
logger = log.get(__name__)


def main() -> None:
    """Run the rooms named on the command line until told to stop."""
    names = rooms_of(sys.argv[1:], process_of)
    log.set_up("+".join(names))
    runner = ServiceRunner(container_config())
    for name in names:
        runner.add_service(load(name))
    started = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(runner, started))
    runner.start()
    started.send()
    eventlet.spawn(runner.wait).wait()


def _end(runner: ServiceRunner, started: Event) -> None:
    """Let what is being done finish; a handler cut off here is delivered again."""
    eventlet.spawn_n(_stop, runner, started)
    eventlet.spawn_after(STOP_SECONDS, _give_up)


def _stop(runner: ServiceRunner, started: Event) -> None:
    started.wait()  # nameko cannot stop what still starts
    runner.stop()


def _give_up() -> None:
    logger.warning("ended before everything had stopped", seconds=STOP_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
