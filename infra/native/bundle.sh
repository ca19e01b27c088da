#!/bin/sh
# Builds the pages' static bundle with the machine's node, or with one from PyPI in the venv.
set -eu
static=services/gateway/static
here=$PWD

version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${version:-0}" -lt 20 ] || ! command -v npm >/dev/null 2>&1; then
    if [ ! -x .venv/bin/npm ]; then
        .venv/bin/python -m pip install -q --require-hashes -r infra/native/node.lock
    fi
    export PATH="$here/.venv/bin:$PATH"
fi
cd "$static"
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
touch dist/.built
