#!/bin/sh
# Installs the SOAP clients of other languages with apt-get, or says what is missing.
set -eu
missing=""
lack() { missing="$missing $1"; }

php -m 2>/dev/null | grep -qx soap || lack "php-cli php-soap"
perl -MSOAP::Lite -e1 2>/dev/null || lack libsoap-lite-perl
command -v wsdl2h >/dev/null && command -v soapcpp2 >/dev/null || lack gsoap
[ -e /usr/include/stdsoap2.h ] || lack libgsoap-dev
command -v g++ >/dev/null || lack g++
[ -n "$missing" ] || exit 0

give_up() {
    echo "Missing on this machine for the SOAP clients of PHP, Perl and C++:$missing"
    echo "$1 Whoever may, on Debian: sudo apt-get install -y --no-install-recommends$missing"
    exit 1
} >&2
command -v apt-get >/dev/null || give_up "There is no apt-get here to install it with."
if [ "$(id -u)" = 0 ]; then
    export AS_ROOT=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    export AS_ROOT="sudo -n"
else
    give_up "This user may not install it."
fi
infra/native/step.sh 'list of packages' $AS_ROOT apt-get -qq update || true
# shellcheck disable=SC2086  # a list of packages
infra/native/step.sh "packages:$missing" infra/native/apt.sh $missing ||
    give_up "apt-get could not install it, see above."
