#!/bin/sh
# Prints a folder with the programs `prometheus` and `promtool`: their folder on PATH, or Debian's
# package, unpacked under target/ without installing it, so that no service starts and root is not
# needed. Everything else goes to stderr. Exit status 3: it is not available, and the tests that
# need it must be skipped.
set -eu

ABSENT=3

say() { echo "prometheus.sh: $*" >&2; }
absent() { say "$*; the tests that need Prometheus are skipped"; exit "$ABSENT"; }
runs() { "$1/promtool" --version >/dev/null 2>&1 && "$1/prometheus" --version >/dev/null 2>&1; }

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

if path=$(command -v promtool) && folder=$(dirname -- "$path") && runs "$folder"; then
    echo "$folder"
    exit 0
fi

place=$root/target/prometheus
if ! runs "$place/usr/bin"; then
    command -v apt-get >/dev/null 2>&1 || absent "no promtool on PATH, and no apt-get to fetch it with"
    command -v dpkg-deb >/dev/null 2>&1 || absent "no promtool on PATH, and no dpkg-deb to unpack it with"
    say "fetching Debian's package prometheus (about 20 MB)"
    mkdir -p "$root/target"
    # Built in a temporary folder and renamed, so that neither two runs at once nor an interrupted
    # one leave anything incomplete under the final name.
    work=$(mktemp -d "$root/target/prometheus-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    fetch() { (cd "$work" && apt-get -qq -o DPkg::Lock::Timeout=120 -o APT::Sandbox::User=root download prometheus >&2); }
    # In a container, the package lists may be missing or old, and only root can update them.
    fetch || { [ "$(id -u)" = 0 ] && apt-get -qq update >&2 && fetch; } || absent "apt-get download prometheus fails"
    dpkg-deb -x "$work"/prometheus_*.deb "$work/unpacked" >&2
    runs "$work/unpacked/usr/bin" || absent "the package prometheus holds no program that starts here"
    # Left over from an architecture or a library that is gone.
    runs "$place/usr/bin" || rm -rf "$place"
    [ -e "$place" ] || mv "$work/unpacked" "$place"
fi
runs "$place/usr/bin" || { say "$place is broken: remove it"; exit 1; }
echo "$place/usr/bin"
