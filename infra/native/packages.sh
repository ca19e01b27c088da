#!/bin/sh
# Installs with apt-get what the machine lacks: Python, the servers whose URL is not given, and
# with `chromium` as argument the browser of the tests. Where it cannot, it names what is missing
# and the ways out. SYSTEM_ROOT is another root than /, for the tests of this file.
set -eu
root=${SYSTEM_ROOT:-}
missing="" # Debian packages
ways=""    # a line for each, of how to do without the package

lack() { # packages, how to do without
    missing="$missing $1"
    ways="$ways
     $2"
}

given() { # setting, in the environment or in .env
    [ -n "$(printenv "$1")" ] || grep -qs "^$1=." .env
}

has() { # files of which one is enough
    for file in "$@"; do [ ! -e "$file" ] || return 0; done
    return 1
}

find_out() {
    infra/native/python.sh >/dev/null ||
        lack 'python3.11 python3.11-venv' 'Python 3.11    uv python install 3.11, or python3.11 of your distribution'
    given PREGON_AMQP_URL || has "$root"/usr/lib/rabbitmq/bin/rabbitmq-server ||
        command -v rabbitmq-server >/dev/null ||
        lack rabbitmq-server 'RabbitMQ       PREGON_AMQP_URL=pyamqp://user:password@host:5672/vhost'
    given PREGON_REDIS_URL || command -v redis-server >/dev/null ||
        lack redis-server 'Redis          PREGON_REDIS_URL=redis://:password@host:6379/0'
    given PREGON_DATABASE_URL || has "$root"/usr/lib/postgresql/*/bin/initdb ||
        command -v initdb >/dev/null ||
        lack postgresql 'PostgreSQL     PREGON_DATABASE_URL=postgresql://user:password@host:5432'
    [ "${1:-}" != chromium ] || infra/native/chromium.sh >/dev/null ||
        lack chromium 'the browser    PREGON_CHROMIUM=/path/to a Chrome or Chromium that is not a snap'
}

system() {
    name=$(. "$root/etc/os-release" 2>/dev/null && echo "$PRETTY_NAME") || name=$(uname -s)
    echo "$name"
}

give_up() { # why apt-get cannot do it
    echo "Missing on this machine ($(system)):$missing"
    echo "$1 Ways to go on:"
    echo "$containers"
    echo "  2. Here, in the environment or in .env, then the same make again:$ways"
    exit 1
} >&2

containers="  1. The product in containers, which need none of it: docker compose up --build (README.md)"
if [ "$(uname -s)" != Linux ]; then
    echo "Without containers Pregón runs on Linux only; this is $(uname -s). Ways to go on:"
    echo "$containers"
    echo "  2. The same make on a Linux machine, real or virtual"
    exit 1
fi >&2
find_out "$@"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || give_up "There is no apt-get here to install it with."
if [ "$(id -u)" = 0 ]; then
    export AS_ROOT=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    export AS_ROOT="sudo -n"
else
    give_up "This user may not install it. Whoever may:
  sudo apt-get install -y --no-install-recommends$missing
"
fi

# A list that cannot be fetched need not be the one with these packages
infra/native/step.sh 'list of packages' $AS_ROOT apt-get -qq update || true
for package in $missing; do
    [ -n "$(apt-cache madison "$package" 2>/dev/null)" ] || absent="${absent:-} $package"
done
[ -z "${absent:-}" ] || give_up "apt-get has here no$absent."
# shellcheck disable=SC2086  # a list of packages
infra/native/step.sh "packages:$missing" infra/native/apt.sh $missing ||
    give_up "apt-get could not install it, see above."
