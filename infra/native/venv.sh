#!/bin/sh
# Makes the environment what a lock file says, no more and no less: venv.sh LOCK
set -eu
lock=$1
python=.venv/bin/python
if [ ! -x "$python" ]; then
    rm -rf .venv
    "$(infra/native/python.sh)" -m venv .venv
fi
install() {
    "$python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$1"
}
"$python" -m uv --version >/dev/null 2>&1 || install infra/native/installer.lock
# A mirror may be known to pip's settings alone: then pip does it, ten times slower
"$python" -m uv pip sync --python "$python" --require-hashes --compile-bytecode "$lock" ||
    install "$lock"
