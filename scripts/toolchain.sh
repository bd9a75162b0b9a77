#!/bin/sh
# Makes sure that the Rust toolchain of rust-toolchain.toml is installed, with its components and
# the wasm target. Does not use the network if it is.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

field() { sed -n "s/^$1 = //p" rust-toolchain.toml | tr -d '[]",'; }
channel=$(field channel)

if ! command -v rustup >/dev/null 2>&1; then
    command -v cargo >/dev/null 2>&1 || { echo "toolchain.sh: no Rust here; see https://rustup.rs" >&2; exit 1; }
    echo "toolchain.sh: no rustup here; taking the Rust on PATH, which should be $channel with the target wasm32-wasip1" >&2
    exit 0
fi

if ! rustup run "$channel" rustc --version >/dev/null 2>&1; then
    rustup toolchain install "$channel" --profile minimal >&2
fi
for component in $(field components); do
    rustup component list --toolchain "$channel" --installed | grep -q "^$component" || rustup component add --toolchain "$channel" "$component" >&2
done
for target in $(field targets); do
    rustup target list --toolchain "$channel" --installed | grep -qx "$target" || rustup target add --toolchain "$channel" "$target" >&2
done
