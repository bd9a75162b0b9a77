#!/bin/sh
# Packages of other languages that tests need, by exact versions: `packages.sh sdk python` prints a Python that has what
# tests/sdk/python/requirements.txt names; `packages.sh sdk node` prints a folder whose scripts, a link to tests/sdk/node, find the
# packages of its package-lock.json. `upstreams`, `server`, `moto`, `openapi` or `pages` in the place of `sdk`: the same of the folders of those names. All are made under target/ when
# missing. Everything else goes to stderr. Exit status 3: the tool itself is absent or too old, and its tests are to be skipped.
set -eu

ABSENT=3

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$root/target"
work=

usage() { echo "usage: packages.sh sdk|upstreams|server|moto|openapi|pages python|node" >&2; exit 2; }
say() { echo "packages.sh: $*" >&2; }
absent() { say "$*; the tests that need it are SKIPPED"; exit "$ABSENT"; }
# A change of versions is another folder, so that nothing stale is taken for it.
named() { echo "$root/target/$1-$(cat "$source"/requirements.txt "$source"/build-requirements.txt "$source"/package-lock.json 2>/dev/null | cksum | cut -d' ' -f1)"; }
# Made aside and renamed: two runs at once, or one that was cut off, leave nothing half-made under the final name.
aside() {
    work=$(mktemp -d "$root/target/packages-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
}

# What has to be there for the tests to run: modules to import.
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
        # Left there by a Python that has gone since.
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
        # Node looks for packages from a script's folder upwards.
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
