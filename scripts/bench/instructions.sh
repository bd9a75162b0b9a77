#!/usr/bin/env bash
# Counts the instructions of every decision in costs.tsv with Valgrind, and writes them into its
# last column. Without Valgrind, prints a message and changes nothing.
#
# Usage: instructions.sh BENCH COSTS
#
# BENCH is the built `decision` benchmark, with its symbols. KEYWARD_BENCH_WORLDS names a folder with
# the snapshots.
set -euo pipefail

bench=$1
costs=$2
# As in benches/decision/costs.rs.
counted=1000

if ! command -v valgrind >/dev/null; then
	echo "bench: valgrind is not installed: no instructions are counted" >&2
	exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "bench: counting instructions of $(wc -l <"$costs") decisions" >&2
while IFS=$'\t' read -r keys kind outcome nanoseconds _; do
	KEYWARD_BENCH_COUNT="$keys keys, $kind: $outcome" valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		--toggle-collect='*counted_decisions*' "$bench" >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
	all=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log")
	[ "${all:-0}" -gt 0 ] || { echo "bench: nothing was counted of $keys keys, $kind: $outcome" >&2; exit 1; }
	printf '%s\t%s\t%s\t%s\t%s\n' "$keys" "$kind" "$outcome" "$nanoseconds" $((all / counted))
done <"$costs" >"$costs.new"
mv "$costs.new" "$costs"
