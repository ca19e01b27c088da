"""Writes the tables of who may do what anew: `make permissions`, with the servers of tests."""

import subprocess
import sys

COMMANDS = (
    ("-m", "pytest", "-q", "--write-table", "tests/unit/gateway/test_permissions.py"),
    ("-m", "pytest", "-q", "--write-table", "tests/rooms/test_procedures.py"),
)

if __name__ == "__main__":
    for command in COMMANDS:
        subprocess.run([sys.executable, *command], check=True)
