#!/usr/bin/env python3
"""Measures `keyward audit` on a gigabyte of access log, on one core.

Usage: logs.py KEYWARD FOLDER OUT

KEYWARD is the command; logs and configuration are made in FOLDER and removed again. Writes lines of `what`, `bound`, `measured` and `yes` or `no`, separated by tabs, to OUT.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

GIGABYTE = 1_000_000_000
KEYS = 2_000
ACCOUNTS = 500
START = 1_795_168_800
CALLS = [
    ("GET", "/v1/customers/cus_{}", "customer", "read"),
    ("POST", "/v1/customers/cus_{}", "customer", "write"),
    ("GET", "/v1/charges", "charge", "read"),
    ("GET", "/v1/charges/ch_{}", "charge", "read"),
    ("POST", "/v1/payment_intents", "payment_intent", "write"),
    ("GET", "/v1/balance", "balance", "read"),
    ("GET", "/v1/invoices/in_{}", "invoice", "read"),
    ("POST", "/v1/refunds", "charge", "write"),
    ("GET", "/internal/report/{}", None, None),
]


def configuration():
    accounts = [{"id": "org_1"}] + [{"id": f"acct_{n:016}", "parent": "org_1"} for n in range(ACCOUNTS)]
    keys = []
    for number in range(KEYS):
        key = {
            "id": f"mk_{number:016}",
            "sha256": hashlib.sha256(f"fake {number}".encode()).hexdigest(),
            "kind": "secret" if number % 2 else "restricted",
            "livemode": True,
            "owner": f"acct_{number % ACCOUNTS:016}",
        }
        if number % 2 == 0:
            key["grants"] = {"customer": "write", "charge": "write", "balance": "read", "invoice": "read", "payout": "read"}
        keys.append(key)
    snapshot = {"format": "keyward.snapshot/v1", "revision": 7, "issued_at": START, "accounts": accounts, "keys": keys}
    return {"snapshot": snapshot}


def line(dice, number, count):
    """A line as the loggers under envoy/ write it: members in the order of their names, no blanks."""
    second, milli = divmod(number * 30 * 86_400 * 1000 // count, 1000)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(START + second))
    key = int(dice.random() ** 3 * KEYS)
    method, path, permission, level = dice.choice(CALLS)
    path = path.format(dice.getrandbits(40))
    account = f"acct_{key % ACCOUNTS:016}"
    member = f'key=\\"mk_{key:016}\\", kind={"secret" if key % 2 else "restricted"}, livemode=?1, '
    where = f'account=\\"{account}\\", path=\\"{account}\\", org=\\"org_1\\"'
    needs = f', permission=\\"{permission}\\", access={level}' if key % 2 == 0 and permission else ""
    status, details, request = 200, "via_upstream", f'"req_{dice.getrandbits(80):x}"'
    luck = dice.random()
    if luck < 0.02:
        state, status, details = "deny unknown_key revision=7", 401, "keyward_denied{unknown_key}"
    elif key % 2 == 0 and not permission or luck < 0.03:
        state, status, details = f"deny unknown_endpoint {member}{where}, revision=7", 404, "keyward_denied{unknown_endpoint}"
    elif needs and luck < 0.05:
        state, status = f"deny insufficient_permission {member}{where}{needs}, revision=7", 403
        details = "keyward_denied{insufficient_permission}"
    else:
        state = f"allow {member}{where}{needs}, revision=7"
    client = f"10.{key % 7}.{key % 200}.{dice.getrandbits(2)}"
    return (
        f'{{"client_address":"{client}","duration_ms":{dice.getrandbits(8)},"keyward":"{state}","method":"{method}","path":"{path}",'
        f'"protocol":"HTTP/1.1","request_id":"{dice.getrandbits(128):032x}","response_code":{status},"response_code_details":"{details}",'
        f'"response_flags":"-","response_request_id":{request},"start_time":"{at}.{milli:03}Z","upstream_host":"10.1.0.{key % 9}:8443"}}\n'
    )


def write_log(path, size):
    dice = random.Random(7)
    count = size // 540
    written = number = 0
    with open(path, "w", buffering=1 << 20) as out:
        while written < size:
            written += out.write(line(dice, number, count))
            number += 1
    return number


def audit(keyward, config, log, report):
    """Seconds of one core's time, in the program and in the kernel for it, and bytes of memory."""
    with open(report, "w") as out:
        child = subprocess.Popen([keyward, "audit", "-c", config, "--json", log], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"keyward audit ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main(keyward, folder, out):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config, log, report = folder / "logs.json", folder / "logs.log", folder / "logs-report.json"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        config.write_text(json.dumps(configuration()))
        write_log(log, GIGABYTE // 10)
        _, small = audit(keyward, config, log, report)
        lines = write_log(log, GIGABYTE)
        seconds, large = audit(keyward, config, log, report)
        counted = json.loads(report.read_text())["requests"]["total"]
        if counted != lines:
            sys.exit(f"{lines} requests were logged and {counted} counted")
    finally:
        for path in (config, log, report):
            path.unlink(missing_ok=True)
    rows = [
        (f"`keyward audit` of 1 GB of log ({lines:,} requests, {KEYS:,} keys), time of one core", "≤ 20 s", f"{seconds:.1f} s", seconds <= 20),
        ("its memory, and that of a tenth of the log", "≤ 1.25 of it", f"{large / 2**20:.0f} MiB, {small / 2**20:.0f} MiB", large <= 1.25 * small),
    ]
    text = "".join(f"{what}\t{bound}\t{measured}\t{'yes' if holds else 'no'}\n" for what, bound, measured, holds in rows)
    Path(out).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
