#!/bin/sh
# Prints the paths of a container registry and of a client, one per line, for the tests of the
# image: `docker-registry` and `skopeo` on PATH, or Debian's packages. The registry's package is
# unpacked under target/ without installing it, because an installed one would start a service. Exit
# status 3: they are not available, and the tests that need them must be skipped. Everything else
# goes to stderr.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
unpacked=$root/target/tools/docker-registry
work=

say() { echo "registry.sh: $*" >&2; }
absent() { say "$*; the tests that need it are skipped"; exit "$ABSENT"; }
runs() { "$1" --version >/dev/null 2>&1; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >&2; }
# In a container, the package lists may be missing or old, and only root can update them.
with_lists() { "$@" || { [ "$(id -u)" = 0 ] && apt update && "$@"; }; }

registry() {
    if path=$(command -v docker-registry) && runs "$path"; then
        echo "$path"
        return
    fi
    path=$unpacked/usr/bin/docker-registry
    if ! runs "$path"; then
        command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || absent "no docker-registry on PATH, and no apt-get to fetch it with"
        say "unpacking Debian's package docker-registry (about 5 MB) into $unpacked"
        mkdir -p "$root/target/tools"
        # Built in a temporary folder and renamed, so that neither two runs at once nor an
        # interrupted one leave anything incomplete under the final name.
        work=$(mktemp -d "$root/target/tools/registry-work.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        trap 'exit 1' INT TERM
        cd "$work"
        with_lists apt download docker-registry || absent "apt-get download docker-registry fails"
        dpkg-deb --extract docker-registry_*.deb "$work/tree" >&2
        runs "$work/tree/usr/bin/docker-registry" || absent "the package docker-registry holds no program that starts here"
        rm -rf "$unpacked"
        mv -T "$work/tree" "$unpacked" 2>/dev/null || true
    fi
    echo "$path"
}

client() {
    if path=$(command -v skopeo) && runs "$path"; then
        echo "$path"
        return
    fi
    [ -z "${KEYWARD_NO_INSTALL:-}" ] || absent "no skopeo on PATH, and KEYWARD_NO_INSTALL is set"
    command -v apt-get >/dev/null 2>&1 || absent "no skopeo on PATH, and no apt-get to install it with"
    [ "$(id -u)" = 0 ] || absent "no skopeo on PATH, and only root can install it (apt-get install skopeo)"
    say "installing Debian's package skopeo (about 15 MB)"
    with_lists apt install --yes --no-install-recommends skopeo || absent "apt-get install skopeo fails"
    path=$(command -v skopeo) && runs "$path" || absent "the package skopeo holds no program that starts here"
    echo "$path"
}

# Both must be found before either is printed.
registry=$(registry)
client=$(client)
printf '%s\n' "$registry" "$client"
