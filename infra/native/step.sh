#!/bin/sh
# One quiet line for a command: its name and how long it took. All it said, when it fails.
# step.sh NAME COMMAND…
set -u
name=$1
shift
said=$(mktemp)
trap 'rm -f "$said"' EXIT
started=$(date +%s)
printf '… %-42s' "$name"
if "$@" </dev/null >"$said" 2>&1; then
    printf '%4d s\n' "$(($(date +%s) - started))"
else
    code=$?
    printf 'failed\n'
    cat "$said" >&2
    exit "$code"
fi
