#!/bin/sh
# Prints the path of cargo-deny: the one on PATH, or one under target/tools, which is built if it is
# missing. The build is not optimized, so it takes just over a minute on two cores instead of twice
# that. Everything else goes to stderr.
set -eu

VERSION=0.20.2

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

cd "$root"
if command -v cargo-deny; then
    exit 0
fi
if ! [ -x "$root/target/tools/bin/cargo-deny" ]; then
    echo "cargo-deny.sh: building cargo-deny $VERSION into target/tools" >&2
    cargo install --quiet --debug --locked --root "$root/target/tools" --target-dir "$root/target/tools/build" "cargo-deny@$VERSION" >&2
    rm -rf "$root/target/tools/build"
fi
echo "$root/target/tools/bin/cargo-deny"
