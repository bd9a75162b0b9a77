#!/bin/sh
# Reads Stripe's operations and expandable fields from the official Node SDK into
# catalogue/operations.tsv and catalogue/expansions.tsv, and lists the differences from stripe.tsv
# (exit status 1). STRIPE_VERSION=x.y.z uses that release of the SDK instead of the one in
# catalogue/generate/package-lock.json. The packages are installed under target/.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
source=$root/catalogue/generate
mkdir -p "$root/target"
work=

say() { echo "catalogue.sh: $*" >&2; }

command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || { say "needs node (20 or later) and npm"; exit 3; }
version=${STRIPE_VERSION:-locked}
case $version in *[!0-9A-Za-z.-]*) say "STRIPE_VERSION: expected a version such as 23.1.0"; exit 2 ;; esac

# Each set of versions has its own folder, so that stale packages are never used.
folder=$root/target/catalogue-$version-$(cksum <"$source/package-lock.json" | cut -d' ' -f1)
if ! [ -e "$folder" ]; then
    say "installing stripe ($version) and typescript (about 50 MB)"
    # Built in a temporary folder and renamed, so that an interrupted run leaves nothing incomplete
    # under the final name.
    work=$(mktemp -d "$root/target/catalogue-work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    cp "$source/package.json" "$source/package-lock.json" "$work"
    quietly="--ignore-scripts --no-audit --no-fund --loglevel=error"
    # shellcheck disable=SC2086 # the options are words
    (cd "$work" && npm ci $quietly >&2 && { [ "$version" = locked ] || npm install $quietly --save-exact "stripe@$version" >&2; }) || {
        say "npm cannot install them"
        exit 3
    }
    [ -e "$folder" ] || mv "$work" "$folder"
fi
status=0
node "$source/main.mjs" "$folder" "$root/catalogue" || status=$?
git -C "$root" --no-pager diff --stat -- catalogue/operations.tsv catalogue/expansions.tsv 2>/dev/null || true
exit "$status"
