"""Fault tests: `make faults [ONLY=name]`. Each starts the product, plays the main job, kills."""

import json
import sys

from tests.faults import kills, rounds

FAULTS = {
    "mailing_worker": kills.mailing_worker,
    "campaign_service": kills.campaign_service,
    "broker": kills.broker,
    "rounds": rounds.rounds,
    "rotation": rounds.rotation,
}


def main() -> None:
    """Run the fault named on the command line, or all; exits 1 where a figure differs."""
    wanted = sys.argv[1:] or list(FAULTS)
    if unknown := set(wanted) - set(FAULTS):
        sys.exit(f"No such fault: {', '.join(unknown)}. There are: {', '.join(FAULTS)}.")
    for name in wanted:
        print(json.dumps({"fault": name, **FAULTS[name]()}), flush=True)


if __name__ == "__main__":
    main()
