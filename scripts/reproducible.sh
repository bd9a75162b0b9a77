#!/usr/bin/env bash
# Builds the filter of the last commit in two separate folders, without anything that was built
# before, and compares the results. The second build also has another cargo home, so that the same
# sources have other paths.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
home=${CARGO_HOME:-$HOME/.cargo}

build() {
    local folder=$1
    shift
    if [[ -e .git ]]; then
        git clone --quiet --no-hardlinks . "$folder"
    else
        mkdir -p "$folder"
        tar -c --exclude ./target . | tar -x -C "$folder"
    fi
    (cd "$folder" && env -u CARGO_TARGET_DIR "$@" make --silent filter >&2)
    sha256sum <"$folder/target/wasm32-wasip1/release/keyward.wasm" | cut -d ' ' -f 1
}

first=$(build "$work/a")
mkdir -p "$work/home"
for part in registry config.toml config env; do
    if [[ -e $home/$part ]]; then ln -s "$home/$part" "$work/home/$part"; fi
done
second=$(build "$work/another/folder/farther/down" CARGO_HOME="$work/home")

echo "$first  in one folder"
echo "$second  in another"
[[ $first == "$second" ]] || { echo "reproducible.sh: the two differ" >&2; exit 1; }
