# To be read by others: the machine's node, or one from PyPI in the venv.
version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${version:-0}" -lt 20 ] || ! command -v npm >/dev/null 2>&1; then
    if [ ! -x .venv/bin/npm ]; then
        .venv/bin/python -m pip install -q --require-hashes -r infra/native/node.lock
    fi
    export PATH="$PWD/.venv/bin:$PATH"
fi
