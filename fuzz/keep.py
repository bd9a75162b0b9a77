#!/usr/bin/env python3
"""Makes a committed corpus: keep.py FROM TO BYTES puts what stands in FROM into TO, in place of what is there, the smallest inputs first until there are BYTES.

libFuzzer puts letters behind the prefix of a key as it likes; what came out looking like a key in use stays outside.
"""

import sys
from pathlib import Path

from seeds import LIVE


def main(source, target, most):
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    held_bytes = 0
    for path in sorted(Path(source).iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        held = path.read_bytes()
        if LIVE.search(held):
            continue
        if held_bytes + len(held) > int(most):
            break
        held_bytes += len(held)
        (target / path.name).write_bytes(held)
    print(f"{target}: {len(list(target.iterdir()))} inputs, {held_bytes} bytes")


main(*sys.argv[1:])
