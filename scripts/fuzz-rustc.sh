#!/bin/sh
# Cargo's RUSTC_WRAPPER in scripts/fuzz.sh. libFuzzer should look for new code in keyward, not in
# what the targets compare it with, so these crates are compiled without its instrumentation. The
# reference model searches tables in loops, and counting those would take most of the time.
set -u
plain=' keyward_reference regex regex_automata regex_syntax aho_corasick '

crate=
previous=
for argument in "$@"; do
    [ "$previous" != --crate-name ] || crate=$argument
    previous=$argument
done
case $plain in
*" $crate "*)
    for argument in "$@"; do
        shift
        case $argument in
        -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
        *) set -- "$@" "$argument" ;;
        esac
    done
    ;;
esac
exec "$@"
