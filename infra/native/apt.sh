#!/bin/sh
# Installs Debian packages without starting what they hold: apt.sh PACKAGE…
# AS_ROOT is what gives root's rights, as `sudo -n`; empty when this is root already.
set -eu
policy=${SYSTEM_ROOT:-}/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$AS_ROOT rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $AS_ROOT tee "$policy" >/dev/null
    $AS_ROOT chmod 755 "$policy"
fi
$AS_ROOT env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq \
    install -y --no-install-recommends "$@"
