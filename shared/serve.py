"""The process of one or several rooms: `python -m shared.serve campaign identity`."""

import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning, module="eventlet|nameko")

import eventlet

eventlet.monkey_patch()  # before anything else is imported

import sys

from nameko.cli.run import run

from shared import log
from shared.room import load
from shared.rpc import container_config


def main() -> None:
    """Run the rooms named on the command line until told to stop."""
    names = sys.argv[1:]
    log.set_up("+".join(names))
    run([load(name) for name in names], container_config())


if __name__ == "__main__":
    main()
