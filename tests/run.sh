#!/bin/sh
# All tests, in processes that must not be one: eventlet patches the second for good, and the
# third runs the whole product. Called by `make test` with the settings of running servers.
set -eu
python -m pytest tests/unit tests/jobs tests/soap "$@"
python -m pytest tests/rooms "$@"
python -m pytest tests/gateway tests/e2e "$@"
