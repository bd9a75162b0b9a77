#!/usr/bin/env python3
"""Makes a committed corpus: keep.py FROM TO BYTES puts the edges and a part of what stands in FROM into TO, in place of what is there, with no more than so many bytes in all.

Of the inputs, ordered by size, every so manieth is taken: the small ones alone would be those that are refused at once. libFuzzer puts letters behind the prefix of a key as it
likes; what came out looking like a key in use stays outside.
"""

import sys
from pathlib import Path

from seeds import LIVE, edges, name_of


def main(source, target, most):
    target = Path(target)
    found = [path.read_bytes() for path in Path(source).iterdir()]
    found = sorted((held for held in found if not LIVE.search(held)), key=lambda held: (len(held), held))
    kept = [seed for of, seed in edges() if of == target.name and not LIVE.search(seed)]
    left = int(most) - sum(map(len, kept))
    step = next(step for step in range(1, len(found) + 2) if sum(map(len, found[step - 1 :: step])) <= left)
    kept += found[step - 1 :: step]
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    for held in kept:
        (target / name_of(held)).write_bytes(held)
    held = [path.stat().st_size for path in target.iterdir()]
    print(f"{target}: {len(held)} inputs, {sum(held)} bytes, every {step}. of {len(found)}")


main(*sys.argv[1:])
