#!/bin/sh
# Checks the locked crates against the RustSec advisory database, with cargo-audit. ADVISORY_DB
# names a folder with a copy of the database (https://github.com/rustsec/advisory-db), which needs
# no network; without it, cargo-audit fetches its own. Advisories and unmaintained or unsound crates
# make it fail. Uses cargo-audit from PATH, or builds it under target/tools if it is missing.
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
# The shipped crates, and those of the fuzz targets.
for lock in Cargo.lock fuzz/Cargo.lock; do
    echo "audit.sh: $lock" >&2
    "$tool" audit --deny warnings --file "$lock" "$@"
done
