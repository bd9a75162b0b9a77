#!/usr/bin/env python3
"""Measures `keyward keys edit` of a key file with 10,000 keys: one edit, and 20 at once.

Usage: edit.py KEYWARD FOLDER OUT

KEYWARD is the command; the key file is made in FOLDER and removed again. Writes lines of `what`, `bound`, `measured` and `yes` or `no`, separated by tabs, to OUT.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

KEYS = 10_000
ACCOUNTS = 1_000
ROUNDS = 9
AT_ONCE = 20
SECONDS = 0.3
MEBIBYTES = 60


def key_file():
    parts = ['format = "keyward.keys/v1"\n']
    for number in range(ACCOUNTS):
        parts.append(f'\n[[accounts]]\nid = "acct_{number:016}"\nname = "Widgets {number}"\n')
    for number in range(KEYS):
        parts.append(
            f'\n# asked for by Ann\n[[keys]]\nid = "mk_{number:032}"\nname = "Billing {number}"\ncreated = 2026-11-20T10:00:00Z\n'
            f'created_by = "ann@build-7"\nkind = "restricted"\nmode = "live"\nowner = "acct_{number % ACCOUNTS:016}"\n'
            f'grants = {{ customer = "read", charge = "write" }}\nlast4 = "{number:04}"\nsha256 = "{number:064x}"\n'
        )
    return "".join(parts)


def edit(keyward, folder, number, name):
    arguments = [keyward, "keys", "edit", f"mk_{number:032}", "--name", name]
    return subprocess.Popen(arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ended(child):
    """Whether it succeeded, bytes of memory, and seconds of one core's time."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode == 0, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


def main(keyward, folder, out):
    keyward, folder = str(Path(keyward).resolve()), Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        file = folder / "keyward.toml"
        file.write_text(key_file())
        times, cores, memory = [], [], 0
        # The first also names the file, and is not counted.
        for number in range(ROUNDS + 1):
            start = time.monotonic()
            succeeded, used, busy = ended(edit(keyward, folder, number, f"Edited {number}"))
            if not succeeded:
                sys.exit("keyward keys edit failed")
            if number:
                times.append(time.monotonic() - start)
                cores.append(busy)
                memory = max(memory, used)
        children = [edit(keyward, folder, 500 * number, f"At once {number}") for number in range(AT_ONCE)]
        good = sum([ended(child)[0] for child in children])
        text = file.read_text()
        made = sum(f'"At once {number}"' in text for number in range(AT_ONCE))
    finally:
        shutil.rmtree(folder)
    median, busy = (sorted(all)[len(all) // 2] for all in (times, cores))
    what = f"`keyward keys edit` of a key file with {KEYS:,} keys"
    rows = [
        (what, f"≤ {SECONDS} s", f"{median:.2f} s (slowest: {max(times):.2f} s; time of one core: {busy:.2f} s)", median <= SECONDS),
        (f"{what}: memory", f"≤ {MEBIBYTES} MiB", f"{memory / 2**20:.0f} MiB", memory <= MEBIBYTES * 2**20),
        (f"{what}: of {AT_ONCE} at once, succeed and are in the file", f"{AT_ONCE}", f"{good}, {made}", good == made == AT_ONCE),
    ]
    lines = "".join(f"{what}\t{bound}\t{measured}\t{'yes' if holds else 'no'}\n" for what, bound, measured, holds in rows)
    Path(out).write_text(lines)
    print(lines, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
