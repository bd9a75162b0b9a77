#!/bin/sh
# Makes sure that Debian's signify is here, which verifies what keyward signs, and prints its path. Everything else goes to stderr.
# Exit status 3: it is absent, and its tests are to be skipped.
set -eu

ABSENT=3

absent() { echo "signify.sh: $*; the tests that need it are SKIPPED" >&2; exit "$ABSENT"; }

if ! command -v signify-openbsd >/dev/null 2>&1; then
    command -v apt-get >/dev/null 2>&1 || absent "no signify-openbsd here, and no apt-get to install it with"
    [ "$(id -u)" = 0 ] || absent "no signify-openbsd here, and only root can install it"
    echo "signify.sh: installing Debian's package signify-openbsd (about 100 KB)" >&2
    install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends signify-openbsd >&2; }
    # A container's package lists may be missing or old.
    install || { apt-get -qq update >&2 && install; } || absent "apt-get install signify-openbsd fails"
fi
command -v signify-openbsd
