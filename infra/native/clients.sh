#!/bin/sh
# Installs the SOAP clients of Node that the tests ask the bureau with.
set -eu
. infra/native/node.sh
cd tests/soap/clients
npm ci --no-audit --no-fund --loglevel=error
touch node_modules/.installed
