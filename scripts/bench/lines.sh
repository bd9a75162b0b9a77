#!/usr/bin/env bash
# Counts the cache lines that a decision fetches if none of it is in the caches, as in an Envoy that
# does its own work between two decisions. Valgrind simulates a last-level cache of 2 MiB and almost
# none before it, so each line of code or data is fetched once per decision. The result is the same
# on every machine, whatever else runs.
#
# Usage: lines.sh BENCH CASE...
#
# BENCH is the built `decision` benchmark, with its symbols; KEYWARD_BENCH_WORLDS names a folder
# with the snapshots. `KEYWARD_BENCH_COUNT= BENCH` lists the names of the cases.
set -euo pipefail

bench=$1
shift
# As in benches/decision/costs.rs.
counted=100

out=$(mktemp)
trap 'rm -f "$out"' EXIT
for case in "$@"; do
	KEYWARD_BENCH_COLD=1 KEYWARD_BENCH_COUNT=$case valgrind --tool=callgrind --callgrind-out-file="$out" --cache-sim=yes --I1=512,1,64 --D1=512,1,64 --LL=2097152,16,64 \
		--collect-atstart=no --toggle-collect='*cold_decision*' "$bench" >/dev/null 2>&1 </dev/null
	# Events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
	awk -v name="$case" -v counted="$counted" '/^(totals|summary):/ { printf "%s\t%.1f code\t%.1f data\n", name, $8 / counted, ($9 + $10) / counted; exit }' "$out"
done
