#!/bin/sh
# Builds the pages' static bundle.
set -eu
. infra/native/node.sh
cd services/gateway/static
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
touch dist/.built
