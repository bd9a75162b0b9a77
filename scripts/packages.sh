#!/bin/sh
# Installs exact versions of packages in other languages that tests need. `packages.sh sdk python`
# prints a Python that has what tests/sdk/python/requirements.txt names. `packages.sh sdk node`
# prints a folder whose scripts, a link to tests/sdk/node, find the packages of its
# package-lock.json. `upstreams`, `server`, `moto`, `openapi` and `pages` instead of `sdk` do the
# same for the folders with those names. All are created under target/ if they are missing.
# Everything else goes to stderr. Exit status 3: Python, Node or npm is missing or too old, and its
# tests must be skipped.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$root/target"
work=

usage() { echo "usage: packages.sh sdk|upstreams|server|moto|openapi|pages python|node" >&2; exit 2; }
say() { echo "packages.sh: $*" >&2; }
absent() { say "$*; the tests that need it are SKIPPED"; exit "$ABSENT"; }
# Each set of versions has its own folder, so that stale packages are never used.
named() { echo "$root/target/$1-$(cat "$source"/requirements.txt "$source"/build-requirements.txt "$source"/package-lock.json 2>/dev/null | cksum | cut -d' ' -f1)"; }
# Built in a temporary folder and renamed, so that neither two runs at once nor an interrupted one
# leave anything incomplete under the final name.
aside() {
    work=$(mktemp -d "$root/target/packages-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
}

# Prepares a Python. $2 lists the modules that must be importable for the tests to run.
python_set_up() {
    venv=$(named "$1-python")
    if ! "$venv/bin/python" -c "import $2" >/dev/null 2>&1; then
        command -v python3 >/dev/null 2>&1 || absent "no python3 here"
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || absent "$(python3 --version) is older than 3.11"
        python3 -c 'import ensurepip' 2>/dev/null || absent "python3 has no venv (on Debian: apt-get install python3-venv)"
        say "installing the packages of tests/$1/python/requirements.txt"
        aside
        python3 -m venv "$work/venv" >&2
        install() { "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps "$@" >&2; }
        built_with() { [ ! -e "$source/build-requirements.txt" ] || install --only-binary :all: -r "$source/build-requirements.txt"; }
        { built_with && install --no-build-isolation -r "$source/requirements.txt"; } || {
            say "pip cannot install them"
            exit 1
        }
        # Left over from a Python that is gone.
        "$venv/bin/python" -c "import $2" >/dev/null 2>&1 || rm -rf "$venv"
        [ -e "$venv" ] || mv "$work/venv" "$venv"
    fi
    "$venv/bin/python" -c "import $2" || { say "$venv is broken: remove it"; exit 1; }
    echo "$venv/bin/python"
}

node_set_up() {
    folder=$(named "$1-node")
    command -v node >/dev/null 2>&1 || absent "no node here"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || absent "Node $(node --version) is older than 20"
    if ! [ -e "$folder" ]; then
        command -v npm >/dev/null 2>&1 || absent "no npm here"
        say "installing the packages of tests/$1/node/package-lock.json"
        aside
        mkdir "$work/node"
        cp "$source/package.json" "$source/package-lock.json" "$work/node"
        (cd "$work/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || { say "npm cannot install them"; exit 1; }
        # Node searches for packages from a script's folder upwards.
        ln -s "../../tests/$1/node" "$work/node/scripts"
        [ -e "$folder" ] || mv "$work/node" "$folder"
    fi
    [ -e "$folder/scripts/package.json" ] || { say "$folder is broken: remove it"; exit 1; }
    echo "$folder"
}

case ${1:-} in
    sdk) modules="aiohttp, grpc, h2, httpx, localstripe, stripe, trustme" ;;
    upstreams) modules="flask_reverse_proxy, gunicorn" ;;
    server) modules="stripe.v2.iam" ;;
    moto) modules="boto3, flask_cors, moto.server" ;;
    openapi) modules="schemathesis" ;;
    pages) modules= ;;
    *) usage ;;
esac
source=$root/tests/$1/${2:-}
case ${2:-} in
    python) python_set_up "$1" "$modules" ;;
    node) node_set_up "$1" ;;
    *) usage ;;
esac
