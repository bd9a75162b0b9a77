#!/bin/sh
# Runs the named fuzz targets, or all, one after the other, for FUZZ_SECONDS each (60) or FUZZ_RUNS
# executions. libFuzzer writes its finds to target/fuzz/corpus, and inputs that break a promise to
# target/fuzz/artifacts. `fuzz.sh cmin` regenerates the committed corpora in fuzz/corpus from all
# stored inputs: the smallest ones with the same coverage.
#
# Needs a nightly toolchain, because libFuzzer's coverage is an unstable option of the compiler.
# FUZZ_TOOLCHAIN names a toolchain other than this one:
set -eu
toolchain=${FUZZ_TOOLCHAIN:-nightly}
CARGO_FUZZ=0.13.1

# Without AddressSanitizer by default: only the native module has unsafe code, and without it, a
# target runs two to three times as often.
sanitizer_of() {
    case $1 in
        hooks) echo "${FUZZ_SANITIZER:-address}" ;;
        *) echo "${FUZZ_SANITIZER:-none}" ;;
    esac
}
# The maximum sizes of a committed input and of all inputs of a target, in bytes.
LARGEST=2048
MOST=32768

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
say() { echo "fuzz.sh: $*" >&2; }

command -v rustup >/dev/null 2>&1 && rustup run "$toolchain" rustc --version >/dev/null 2>&1 || {
    say "needs the Rust toolchain '$toolchain': rustup toolchain install $toolchain --profile minimal"
    exit 3
}
if ! command -v c++ >/dev/null 2>&1; then
    say "needs a C++ compiler, to build libFuzzer (on Debian: apt-get install g++)"
    exit 3
fi
if ! [ -x target/tools/bin/cargo-fuzz ] && ! command -v cargo-fuzz >/dev/null 2>&1; then
    say "building cargo-fuzz $CARGO_FUZZ into target/tools"
    cargo install --quiet --debug --locked --root target/tools --target-dir target/tools/build "cargo-fuzz@$CARGO_FUZZ" >&2
    rm -rf target/tools/build
fi
PATH=$root/target/tools/bin:$PATH
export PATH CARGO_TARGET_DIR="$root/target/fuzz/build" RUSTC_WRAPPER="$root/scripts/fuzz-rustc.sh"

fuzz() { cargo "+$toolchain" fuzz "$@"; }
# cargo-fuzz builds with the optimizer, debug assertions and overflow checks.
options_of() { echo "--fuzz-dir fuzz --sanitizer $(sanitizer_of "$1")"; }

corpus_of() { echo "target/fuzz/corpus/$1"; }

run() {
    mkdir -p "$(corpus_of "$1")" "target/fuzz/artifacts/$1" "fuzz/corpus/$1" "target/fuzz/seeds/$1"
    say "$1"
    # shellcheck disable=SC2086 # the options are words
    fuzz run $(options_of "$1") "$1" "$(corpus_of "$1")" "fuzz/corpus/$1" "target/fuzz/seeds/$1" -- \
        "-max_total_time=${FUZZ_SECONDS:-60}" "-runs=${FUZZ_RUNS:--1}" "-dict=fuzz/dictionaries/$1.dict" -rss_limit_mb=4096 -timeout=20 -max_len=4096 \
        "-artifact_prefix=target/fuzz/artifacts/$1/" -print_final_stats=1 ${FUZZ_ARGS:-}
}

cmin() {
    work=target/fuzz/cmin/$1
    rm -rf "$work"
    mkdir -p "$work/all" "$work/least"
    for folder in "fuzz/corpus/$1" "target/fuzz/seeds/$1" "$(corpus_of "$1")"; do
        find "$folder" -type f -size "-$((LARGEST + 1))c" -exec cp -t "$work/all" {} + 2>/dev/null || true
    done
    # shellcheck disable=SC2086 # the options are words
    fuzz run $(options_of "$1") "$1" "$work/least" "$work/all" -- -merge=1 "-max_len=$LARGEST" -rss_limit_mb=4096
    python3 fuzz/keep.py "$work/least" "fuzz/corpus/$1" "$MOST"
}

python3 fuzz/seeds.py target/fuzz/seeds
job=run
if [ "${1:-}" = cmin ]; then
    job=cmin
    shift
fi
[ $# -gt 0 ] || set -- $(cd fuzz/fuzz_targets && ls | sed 's/\.rs$//')
for target in "$@"; do
    "$job" "$target"
done
