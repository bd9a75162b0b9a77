#!/usr/bin/env bash
# Prints the size of the released keyward-server, as a line for table.py.
#
# Usage: server-size.sh PROGRAM
set -euo pipefail

bound=$((12 * 1024 * 1024))
size=$(wc -c <"$1")
holds=no
if [ "$size" -gt 0 ] && [ "$size" -le "$bound" ]; then holds=yes; fi
printf 'server: the size of keyward-server\t%d bytes\t%d bytes\t%s\n' "$bound" "$size" "$holds"
