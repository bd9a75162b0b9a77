#!/usr/bin/env python3
"""Prints measurements as one Markdown table.

Usage: table.py FILE...

Each line of a file is `what`, `bound`, `measured` and `yes` or `no`, separated by tabs, and perhaps a goal, which is not held to. Exit status: 0 if every bound holds, 1 if one does not or there is no line.
"""

import sys
from pathlib import Path


def main(files):
    rows = [line.split("\t") for file in files for line in Path(file).read_text().splitlines()]
    print("| what | bound | measured | holds |\n|---|---|---|---|")
    for what, bound, measured, holds, *_ in rows:
        print(f"| {what} | {bound} | {measured} | {holds} |")
    return 0 if rows and all(row[3] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
