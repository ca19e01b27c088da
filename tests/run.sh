#!/bin/sh
# All checks and tests, called by `make test` with the settings of running servers. Four lanes run
# beside each other, each in a namespace of its own; what a step says is shown when it has ended.
# Steps are processes that must not be one: eventlet patches the rooms' for good.
set -u
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

step() { # NAME COMMAND…
    name=$1
    shift
    began=$(date +%s)
    "$@" >"$logs/$name" 2>&1
    code=$?
    { echo "--- $name: $(($(date +%s) - began)) s"; cat "$logs/$name"; } >"$logs/$name.said"
    cat "$logs/$name.said"
    [ $code -eq 0 ] || echo "$name" >>"$logs/failed"
}

tests() { # NAME FOLDER…
    name=$1
    shift
    step "$name" python -m pytest "$@"
}

lane() { # NAMESPACE
    PREGON_NAMESPACE="${PREGON_NAMESPACE:-pregon_test}_$1"
    export PREGON_NAMESPACE
}

(
    lane a
    tests mail tests/jobs/mailer "$@"
    tests soap tests/soap "$@"
    tests kit tests/rooms/kit "$@"
) &
(
    lane b
    step ruff ruff check shared services infra tests
    step format ruff format --check -q shared services infra tests
    step mypy mypy shared services infra tests
    step imports lint-imports
    step vulture vulture
    tests unit tests/unit "$@"
    tests guides tests/guides "$@"
) &
(
    lane c
    tests product tests/gateway tests/e2e tests/hostile "$@"
) &
(
    lane d
    tests jobs tests/jobs --ignore=tests/jobs/mailer "$@"
    tests rooms tests/rooms --ignore=tests/rooms/kit "$@"
) &
wait
[ ! -e "$logs/failed" ] || { echo "failed: $(tr '\n' ' ' <"$logs/failed")"; exit 1; }
