#!/bin/sh
# Makes sure that a program from one of Debian's packages is installed, and prints its path:
# debian.sh PACKAGE PROGRAM. `tests/pure/publish` runs signify-openbsd, which verifies what keyward
# signs, and nginx, which serves a feed. Everything else goes to stderr. Exit status 3: the program
# is not available, and its tests must be skipped.
set -eu

ABSENT=3
package=$1
program=$2

absent() { echo "debian.sh: $*; the tests that need it are SKIPPED" >&2; exit "$ABSENT"; }

# Servers are in a folder that a user's PATH may lack.
PATH="$PATH:/usr/sbin"

if ! command -v "$program" >/dev/null 2>&1; then
    [ -z "${KEYWARD_NO_INSTALL:-}" ] || absent "no $program here, and KEYWARD_NO_INSTALL is set"
    command -v apt-get >/dev/null 2>&1 || absent "no $program here, and no apt-get to install it with"
    [ "$(id -u)" = 0 ] || absent "no $program here, and only root can install it"
    echo "debian.sh: installing Debian's package $package" >&2
    # The package must not start a service, because the tests start their own. An existing policy
    # stays.
    policy=/usr/sbin/policy-rc.d
    if ! [ -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
    fi
    install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$package" >&2; }
    # In a container, the package lists may be missing or old.
    install || { apt-get -qq update >&2 && install; } || absent "apt-get install $package fails"
fi
command -v "$program"
