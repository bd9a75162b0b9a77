#!/bin/sh
# Writes what the filter and the command are built of, as CycloneDX 1.5, to target/keyward.wasm.cdx.json and target/keyward.cdx.json. Takes
# cargo-cyclonedx from PATH, or builds it under target/tools when missing, which takes some two minutes on two cores.
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

# The tool writes next to the Cargo.toml of every package of the workspace. The time of the commit, so that the same commit has the same file.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
bom() {
    name=$1
    folder=$2
    shift 2
    "$tool" cyclonedx --quiet --format json --spec-version 1.5 --override-filename "sbom" "$@"
    # Without the folder it was built in.
    sed "s|file://$root|file:///keyward|g" "$folder/sbom.json" >"target/$name.cdx.json"
    for manifest in $(git ls-files '*Cargo.toml'); do rm -f "$(dirname "$manifest")/sbom.json"; done
    echo "target/$name.cdx.json: $(grep -c '"purl"' "target/$name.cdx.json") packages"
}
bom keyward.wasm . --target wasm32-wasip1
bom keyward cli --target "$(rustc -vV | sed -n 's/^host: //p')"
