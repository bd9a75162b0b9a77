#!/usr/bin/env python3
"""Writes what fuzzing starts from: seeds.py FOLDER makes FOLDER/TARGET/NAME of the cases in tests/cases, the documents' examples and the key files in the tests.

A file's name is the digest of what it holds, so a second run adds nothing. No seed holds what looks like a key in use: at most 9 letters and digits in a row stand behind the
prefix of one, and seeds that break this are left out (libFuzzer may have made them of others).
"""

import hashlib
import json
import random
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIVE = re.compile(rb"[prs]k_(?:live|test|org)_(?:test_|live_)?[0-9A-Za-z]{10}")


def text(parts):
    """A text of the corpus: characters up to U+00FF are bytes."""
    parts = parts if isinstance(parts, list) else [parts]
    return b"".join(
        (part["$repeat"][0] * part["$repeat"][1] if isinstance(part, dict) else part).encode("latin-1", "replace")
        for part in parts
    )


def configuration_of(cases):
    """The plugin configuration: the cases give keys, a gateway knows digests."""
    configuration = json.loads(json.dumps(cases["configuration"]))
    for key in configuration.get("snapshot", {}).get("keys", []):
        if "key" in key:
            key["sha256"] = hashlib.sha256(text(key.pop("key"))).hexdigest()
    return configuration


def key_file_of(configuration):
    """The same as a key file, as far as one can say it in lines."""
    lines = ['format = "keyward.keys/v1"', ""]
    snapshot = configuration.get("snapshot", {})
    say = lambda name, value: lines.append(f"{name} = {toml(value)}")
    for account in snapshot.get("accounts", []):
        lines.append("[[accounts]]")
        for name, value in account.items():
            say(name, value)
    for name, granted in snapshot.get("grant_sets", {}).items():
        lines.append(f"[grant_sets.{json.dumps(name)}]")
        for permission, level in granted.items():
            say(permission, level)
    for endpoint in snapshot.get("endpoints", []):
        lines.append("[[endpoints]]  # own")
        for name, value in endpoint.items():
            say(name, value)
    for key in snapshot.get("keys", []):
        lines.append("[[keys]]")
        for name, value in key.items():
            if name == "livemode":
                say("mode", "live" if value else "test")
            elif name in ("not_before", "expires_at"):
                lines.append(f"{name.removesuffix('_at')} = 2026-11-20T10:00:00Z")
            elif name == "annotations":
                say("labels", {"team": "billing"})
            elif key.get("kind") == "publishable" and name == "sha256":
                say("value", f"pk_test_FAKE-{len(lines)}")
            else:
                say(name, value)
    return "\n".join(lines) + "\n"


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(value)}" for name, value in value.items()) + " }"
    return json.dumps(value)


def seeds():
    dice = random.Random(20261120)
    for path in sorted((ROOT / "tests/cases").glob("*.json")):
        cases = json.loads(path.read_text())
        configuration = configuration_of(cases)
        yield "configuration", json.dumps(configuration).encode()
        yield "snapshot_json", json.dumps(configuration.get("snapshot", {})).encode()
        yield "snapshot_packed", json.dumps(configuration.get("snapshot", {})).encode()
        yield "key_file", bytes([6]) + bytes(dice.randrange(256) for _ in range(6)) + key_file_of(configuration).encode()
        for case in cases["cases"]:
            request = case["request"]
            for name, value in request.get("headers", []):
                name, value = name.lower().replace("_", "-"), text(value)
                if name == "authorization":
                    yield "credential", b"\0" + value
                    yield "credential", b"\1" + bytes([min(len(value), 255)]) + value[:255] + value
                elif name == "stripe-version":
                    yield "version", value
                elif name in ("stripe-context", "stripe-account"):
                    yield "context_path", b"\0" + value
            path = text(request.get("path", ""))
            for how in (0, 2, 8, 24):
                yield "endpoint", bytes([how]) + path
            if b"key=" in path:
                yield "credential", b"\2" + path.split(b"key=", 1)[1]
    for path in sorted((ROOT / "catalogue").glob("stripe.tsv")):
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                method, template = line.split("\t")[:2]
                how = ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"].index(method)
                yield "endpoint", bytes([how]) + re.sub(r"{[^}]*}", "x_1", template).encode() + b"?expand[]=data.customer"
    for length in (0, 100, 200, 255):
        for _ in range(12):
            tape = bytes(dice.randrange(256) for _ in range(length))
            request = b"".join(
                bytes([60]) + bytes(dice.randrange(256) for _ in range(60)) + bytes([dice.randrange(128)]) for _ in range(3)
            )
            yield "decide", bytes([length]) + tape + bytes([length]) + tape[::-1] + request


def main(folder):
    for target, seed in seeds():
        if LIVE.search(seed):
            continue
        place = Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        (place / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
