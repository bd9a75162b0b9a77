#!/bin/sh
# Looks for what is locked in the RustSec advisory database, with cargo-audit. ADVISORY_DB names a folder that holds a copy of it (https://github.com/rustsec/advisory-db), and then
# nothing is asked of the network; without it cargo-audit fetches its own. An advisory, and a crate that is unmaintained or unsound, fails. Takes cargo-audit from PATH, or builds it
# under target/tools when missing.
set -eu

VERSION=0.22.2

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

tool=$(command -v cargo-audit || echo "$root/target/tools/bin/cargo-audit")
if ! [ -x "$tool" ]; then
    echo "audit.sh: building cargo-audit $VERSION into target/tools" >&2
    cargo install --quiet --debug --locked --root "$root/target/tools" --target-dir "$root/target/tools/build" "cargo-audit@$VERSION" >&2
    rm -rf "$root/target/tools/build"
fi
if [ -n "${ADVISORY_DB:-}" ]; then
    set -- --no-fetch --db "$ADVISORY_DB"
fi
# What is shipped, and what the fuzz targets take as well.
for lock in Cargo.lock fuzz/Cargo.lock; do
    echo "audit.sh: $lock" >&2
    "$tool" audit --deny warnings --file "$lock" "$@"
done
