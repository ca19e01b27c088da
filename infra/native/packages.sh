#!/bin/sh
# Installs what the machine lacks: python, the servers whose URL is not given, and with
# `chromium` as argument the browser of the tests. Says the exact line when it may not.
set -eu

missing=""
need() { # command or file, package
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing="$missing $2"
}

given() { # setting, in the environment or in .env
    [ -n "$(printenv "$1")" ] || grep -qs "^$1=." .env
}

python3.11 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3.11 python3.11-venv"
given PREGON_AMQP_URL || need /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server
given PREGON_REDIS_URL || need redis-server redis-server
if ! given PREGON_DATABASE_URL && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    need initdb postgresql
fi
for package in "$@"; do need "$package" "$package"; done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Some packages are missing. Install them, then run this again:" >&2
    echo "  sudo $install" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Install these with your system's package manager, then run this again:$missing" >&2
    exit 1
fi

# Keeps the packages from starting servers of the system's own
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi
echo "Installing:$missing"
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@"
}
apt update
# shellcheck disable=SC2086  # a list of packages
if ! apt install -y --no-install-recommends $missing >/dev/null; then
    echo "apt-get could not install them; try: ${as_root:+sudo }$install" >&2
    exit 1
fi
