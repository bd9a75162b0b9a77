#!/bin/sh
# `sdk.sh python` prints a Python that has what tests/sdk/python/requirements.txt names, `sdk.sh server` one that has what
# tests/sdk/server/requirements.txt names; `sdk.sh node` prints a folder whose scripts, a link to tests/sdk/node, find the
# packages of its package-lock.json. All are made under target/ when missing.
# Everything else goes to stderr. Exit status 3: the tool itself is absent or too old, and its tests are to be skipped.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$root/target"
work=

say() { echo "sdk.sh: $*" >&2; }
absent() { say "$*; the tests that need it are skipped"; exit "$ABSENT"; }
# A change of versions is another folder, so that nothing stale is taken for it.
named() { echo "$root/target/sdk-$1-$(cat "$2"/requirements.txt "$2"/build-requirements.txt "$2"/package-lock.json 2>/dev/null | cksum | cut -d' ' -f1)"; }
# Made aside and renamed: two runs at once, or one that was cut off, leave nothing half-made under the final name.
aside() {
    work=$(mktemp -d "$root/target/sdk-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
}

python_set_up() {
    source=$root/tests/sdk/python
    venv=$(named python "$source")
    if ! "$venv/bin/python" -c 'import stripe' >/dev/null 2>&1; then
        command -v python3 >/dev/null 2>&1 || absent "no python3 here"
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || absent "$(python3 --version) is older than 3.11"
        python3 -c 'import ensurepip' 2>/dev/null || absent "python3 has no venv (on Debian: apt-get install python3-venv)"
        say "installing the packages of tests/sdk/python/requirements.txt (about 15 MB)"
        aside
        python3 -m venv "$work/venv" >&2
        install() { "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps "$@" >&2; }
        { install --only-binary :all: -r "$source/build-requirements.txt" && install --no-build-isolation -r "$source/requirements.txt"; } || {
            say "pip cannot install them"
            exit 1
        }
        # Left there by a Python that has gone since.
        "$venv/bin/python" -c 'import stripe' >/dev/null 2>&1 || rm -rf "$venv"
        [ -e "$venv" ] || mv "$work/venv" "$venv"
    fi
    "$venv/bin/python" -c 'import aiohttp, grpc, h2, httpx, localstripe, stripe, trustme' || { say "$venv is broken: remove it"; exit 1; }
    echo "$venv/bin/python"
}

server_set_up() {
    source=$root/tests/sdk/server
    venv=$(named server "$source")
    if ! "$venv/bin/python" -c 'import stripe' >/dev/null 2>&1; then
        command -v python3 >/dev/null 2>&1 || absent "no python3 here"
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || absent "$(python3 --version) is older than 3.11"
        python3 -c 'import ensurepip' 2>/dev/null || absent "python3 has no venv (on Debian: apt-get install python3-venv)"
        say "installing the packages of tests/sdk/server/requirements.txt (about 4 MB)"
        aside
        python3 -m venv "$work/venv" >&2
        "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
            -r "$source/requirements.txt" >&2 || { say "pip cannot install them"; exit 1; }
        # Left there by a Python that has gone since.
        "$venv/bin/python" -c 'import stripe' >/dev/null 2>&1 || rm -rf "$venv"
        [ -e "$venv" ] || mv "$work/venv" "$venv"
    fi
    "$venv/bin/python" -c 'import stripe.v2.iam' || { say "$venv is broken: remove it"; exit 1; }
    echo "$venv/bin/python"
}

node_set_up() {
    source=$root/tests/sdk/node
    folder=$(named node "$source")
    command -v node >/dev/null 2>&1 || absent "no node here"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || absent "Node $(node --version) is older than 20"
    if ! [ -e "$folder/node_modules/stripe/package.json" ]; then
        command -v npm >/dev/null 2>&1 || absent "no npm here"
        say "installing the packages of tests/sdk/node/package-lock.json (about 10 MB)"
        aside
        cp "$source/package.json" "$source/package-lock.json" "$work"
        (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || { say "npm cannot install them"; exit 1; }
        # Node looks for packages from a script's folder upwards.
        ln -s ../../tests/sdk/node "$work/scripts"
        [ -e "$folder" ] || mv "$work" "$folder"
    fi
    [ -e "$folder/scripts/package.json" ] || { say "$folder is broken: remove it"; exit 1; }
    echo "$folder"
}

case ${1:-} in
    python) python_set_up ;;
    server) server_set_up ;;
    node) node_set_up ;;
    *) echo "usage: sdk.sh python | server | node" >&2; exit 2 ;;
esac
