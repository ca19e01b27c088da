"""Take away a user's second factor: `make reset-second-factor OF=username`.

For the last administrator who has lost telephone and recovery codes; others ask an administrator.
It is on record as the system's doing, and the password is asked for as ever.
"""

import argparse
import sys

from services.identity import second_factor, store
from services.identity import sessions as kept
from shared import audit
from shared.contracts.audit import AuditAction, AuditKind
from shared.db import sessions
from shared.redis import connect

ROOM = "identity"


def main() -> None:
    """Do it, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("username")
    username = parser.parse_args().username
    with sessions(ROOM).begin() as session:
        user = store.find_user(session, username)
        if user is None or not second_factor.remove_factor(session, user.id):
            sys.exit(f"{username} has no second factor")
        audit.record(session, AuditAction.SECOND_FACTOR_RESET, AuditKind.USER, username)
        user_id = user.id
    kept.end_all(connect(), user_id)
    print(f"{username} logs in with the password alone; the sessions ended")  # noqa: T201  # a command's answer


if __name__ == "__main__":
    main()
