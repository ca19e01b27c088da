#!/bin/sh
# Prints where Python 3.11 is, on the PATH or one that uv keeps; fails when there is none.
set -eu
try() {
    [ -n "$1" ] && "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null &&
        command -v "$1"
}
try python3.11 || try "$HOME/.local/bin/python3.11" || try "$(uv python find 3.11 2>/dev/null)"
