#!/bin/sh
# Writes lists of what the shipped files are built from, as CycloneDX 1.5:
# target/keyward.wasm.cdx.json (the filter), target/keyward.cdx.json (the command),
# target/keyward-server.cdx.json, target/libkeyward.so.cdx.json (the native module). Uses
# cargo-cyclonedx from PATH, or builds it under target/tools if it is missing, which takes about two
# minutes on two cores.
set -eu

VERSION=0.5.9

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

tool=$(command -v cargo-cyclonedx || echo "$root/target/tools/bin/cargo-cyclonedx")
if ! [ -x "$tool" ]; then
    echo "sbom.sh: building cargo-cyclonedx $VERSION into target/tools" >&2
    cargo install --quiet --debug --locked --root "$root/target/tools" --target-dir "$root/target/tools/build" "cargo-cyclonedx@$VERSION" >&2
    rm -rf "$root/target/tools/build"
fi

# The time of the commit, so that a commit always produces the same file.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

# The tool writes a file next to the Cargo.toml of every package in the workspace.
remove() {
    for manifest in $(git ls-files '*Cargo.toml'); do rm -f "$(dirname "$manifest")/sbom.json"; done
}
trap remove EXIT
for_target() { "$tool" cyclonedx --quiet --format json --spec-version 1.5 --override-filename "sbom" --target "$1"; }
# Removes the path of the build folder.
keep() {
    sed "s|file://$root|file:///keyward|g" "$2/sbom.json" >"target/$1.cdx.json"
    echo "target/$1.cdx.json: $(grep -c '"purl"' "target/$1.cdx.json") packages"
}
for_target wasm32-wasip1
keep keyward.wasm .
for_target "$(rustc -vV | sed -n 's/^host: //p')"
keep libkeyward.so native
# The released command and the released server have this feature, and nothing else does.
for_package() { "$tool" cyclonedx --quiet --format json --spec-version 1.5 --override-filename "sbom" --target "$(rustc -vV | sed -n 's/^host: //p')" --manifest-path "$1/Cargo.toml" --features object-store; }
for_package server
keep keyward-server server
for_package cli
keep keyward cli
