#!/usr/bin/env bash
# Prints what the catalogue adds to the filter, as a line for table.py: the size of the released
# .wasm minus that of the same build with empty tables (build/main.rs).
#
# Usage: catalogue-size.sh WITH WITHOUT
set -euo pipefail

bound=$((120 * 1024))
with=$(wc -c <"$1")
without=$(wc -c <"$2")
added=$((with - without))
holds=no
if [ "$added" -gt 0 ] && [ "$added" -le "$bound" ]; then holds=yes; fi
printf 'what the catalogue adds to the .wasm (%d bytes with it)\t%d bytes\t%d bytes\t%s\n' "$with" "$bound" "$added" "$holds"
