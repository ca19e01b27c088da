"""Writes the tables of who may do what anew: `make permissions`, with the servers of tests."""

import subprocess
import sys

COMMANDS = (
    ("-m", "tests.unit.gateway.test_permissions"),
    ("-m", "pytest", "-q", "--write-table", "tests/rooms/test_procedures.py"),
)

if __name__ == "__main__":
    for command in COMMANDS:
        subprocess.run([sys.executable, *command], check=True)
