#!/bin/sh
# Builds the native module for a release: against glibc 2.28, which Envoy's own binaries (2.30) and
# the distributions of 2018 satisfy, and checks that it needs nothing newer. `native.sh [TARGET]`
# builds for another of Rust's targets, such as aarch64-unknown-linux-gnu, which is not tested.
# Prints the file's path. Needs python3 and about 90 MB for Zig.
set -eu

GLIBC=2.28

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
say() { echo "native.sh: $*" >&2; }

target=${1:-$(uname -m)-unknown-linux-gnu}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
venv=$root/target/tools/zig
if ! [ -x "$venv/bin/cargo-zigbuild" ]; then
    say "installing the wheels of scripts/native.requirements.txt into target/tools"
    work=$(mktemp -d "$root/target/tools/zig.XXXXXX" 2>/dev/null) || { mkdir -p target/tools && work=$(mktemp -d "$root/target/tools/zig.XXXXXX"); }
    trap 'rm -rf "$work"' EXIT
    python3 -m venv "$work/venv" >&2
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        -r scripts/native.requirements.txt >&2
    rm -rf "$venv"
    mv "$work/venv" "$venv"
fi
# A virtual environment contains its own path, so it is moved before any of its programs is run.
ziglang=$("$venv/bin/python" -c 'import ziglang, os; print(os.path.dirname(ziglang.__file__))')

home=${CARGO_HOME:-$HOME/.cargo}
RUSTFLAGS="--remap-path-prefix=$home=/cargo --remap-path-prefix=$root=/keyward" \
    CARGO_ZIGBUILD_ZIG_PATH="$ziglang/zig" PATH="$venv/bin:$PATH" \
    cargo zigbuild --quiet --locked --profile native -p keyward-native --lib --target "$target.$GLIBC" --target-dir target/zig >&2

made=target/zig/$target/native/libkeyward_native.so
newest=$(objdump -T "$made" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
if [ "$(printf '%s\n' "GLIBC_$GLIBC" "$newest" | sort -V | tail -n 1)" != "GLIBC_$GLIBC" ]; then
    say "$made asks for $newest, and may for GLIBC_$GLIBC at most"
    exit 1
fi
out=target/native/libkeyward-$version-$target.so
mkdir -p target/native
cp "$made" "$out.new"
mv "$out.new" "$out"
echo "$out"
