#!/bin/sh
# Prints where a browser for the tests is; fails when there is none, or only a snap, whose
# confinement keeps the tests from driving it.
set -eu
is_snap() {
    case $(readlink -f "$1") in */snap | */snap/*) return 0 ;; esac
    [ "$(head -c 2 "$1")" = '#!' ] && grep -Eq 'snap (install|run)|/snap/bin' "$1"
}

for name in ${PREGON_CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
    if found=$(command -v "$name") && ! is_snap "$found"; then
        echo "$found"
        exit 0
    fi
done
exit 1
