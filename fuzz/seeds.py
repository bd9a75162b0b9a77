#!/usr/bin/env python3
"""Writes what fuzzing starts from: seeds.py FOLDER makes FOLDER/TARGET/NAME of the cases in tests/cases, the documents' examples and the key files in the tests.

A file's name is the digest of what it holds, so a second run adds nothing. No seed holds what looks like a key in use: at most 9 letters and digits in a row stand behind the
prefix of one, and seeds that break this are left out (libFuzzer may have made them of others).
"""

import base64
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


def edges():
    """Inputs on both sides of a limit. Coverage sees no difference between them, so they are kept whatever it says."""
    members = 'key="mk_1", kind=restricted, livemode=?0, account="acct_2", path="acct_1/acct_2", org="org_1", permission="customer", access=read'
    for verdict in ("allow", "allow public", "allow preflight", "allow would_deny=unknown_key", "verify", "deny unknown_key", "deny because", "Allow", "-", ""):
        for behind in ("", " revision=7", f" {members}, revision=7", f" {members},revision=7", f" {members}, tier=?1, more=\"a, b\"", " revision=7, revision=8", ' key="mk_1"'):
            yield "access_log", (verdict + behind).encode()
    for length in (0, 1, 64, 65):
        yield "access_log", b'allow key="' + b"a" * length + b'", kind=secret, livemode=?1'
    for revision in ("999999999999999", "1000000000000000", "-1", "007"):
        yield "access_log", f"deny unknown_key revision={revision}".encode()
    line = {"start_time": "2026-11-20T10:00:00.000Z", "method": "GET", "path": "/v1/charges", "response_code": 200, "duration_ms": 3, "client_address": "203.0.113.7", "keyward": "allow " + members}
    for name, value in (("path", "/a?b#c"), ("path", "/\x1b[2J\u202e"), ("response_code", 999), ("response_code", "1000"), ("client_address", "[::1]:80"), ("keyward", None), ("start_time", "now"), ("more", [{}])):
        yield "access_log", json.dumps({**line, name: value}).encode()
    for month in range(14):
        yield "version", b"2026-%02d-10" % month
    for day in range(34):
        yield "version", b"2026-10-%02d.endive" % day
    for text in ("26-10-28", "02026-10-28", "2026-1-28", "2026-10-8", "2026-10-28.", "2026-10-28.x;", "2026-10-28.x; a=v", "2026-10-28.x;  a=v1", "2026-10-28.X"):
        yield "version", text.encode()
    for count in (1, 7, 8, 9, 10):
        yield "context_path", b"\0" + b"/".join([b"acct_1"] * count)
    for length in (0, 1, 58, 59, 60, 61, 64, 65):
        yield "context_path", b"\0acct_" + b"a" * length
        yield "context_path", b"\0org_" + b"a" * length
        yield "context_path", b"\1" + b"a" * length
        yield "context_path", b"\0acct_1/acct_" + b"a" * length + b"/acct_3"
    for path in ("acct_2", "acct_2/acct_3", "acct_2/acct_4", "acct_2/acct_4/acct_5", "acct_2/acct_3/acct_x", "acct_x/acct_2", "acct_3/acct_x/acct_y", "acct_1/acct_2"):
        yield "context_path", b"\0" + path.encode()
    for length in (0, 1, 2, 3, 4, 11, 12, 13, 119, 120, 121, 503, 504, 505, 512, 513):
        # A minus in every fourth position, as in no key in use.
        key = b"sk_test_" + (b"abc-" * 129)[:length]
        yield "credential", b"\0Bearer " + key
        yield "credential", b"\2" + key
        yield "credential", b"\0Basic " + base64.b64encode(key + b":")
        yield "credential", b"\3" + key
    for byte in range(256):
        yield "endpoint", b"\0/v1/widgets/%" + b"%02X" % byte
        yield "endpoint", b"\0/v1/widgets/" + bytes([byte])
        yield "credential", b"\0Bearer sk_test_" + bytes([byte])
    for path in ("/v1/./widgets", "/v1/../widgets", "/v1//widgets", "/v1/widgets/", "/", "//", "/v1/widgets/SEARCH", "/v1/widgets/search.json", "/v1/widgets/a%3ab"):
        for how in (0, 2):
            yield "endpoint", bytes([how]) + path.encode()
    yield from of_the_server()
    snapshot = json.dumps(SNAPSHOT)
    yield "snapshot_json", snapshot.encode()
    yield "snapshot_packed", snapshot.encode()
    yield "configuration", json.dumps({**SETTINGS, "snapshot": SNAPSHOT}).encode()
    for name, value in SETTINGS.items():
        yield "configuration", json.dumps({name: value}).encode()
    yield "configuration", snapshot.replace("{", '{"snapshot": {', 1).replace(": 7,", ": 7.0,").encode() + b"}"
    file = key_file_of({"snapshot": SNAPSHOT}).encode()
    for choice in range(15):
        yield "key_file", bytes([3, choice, 0, 2]) + file
    for raw in ("sk_test_FAKE-alice-0001", "sk_test_FAKE-alic", "rk_live_FAKE-alice", "sk_org_FAKE-alice-0001", "pk_test_FAKE-alice-0001"):
        yield "key_file", b"\0" + file + b"# " + raw.encode() + b"\n"
        yield "key_file", b"\0" + file.replace(b"mk_1", raw.encode())


def of_the_server():
    """Inputs of the targets that drive keyward-server's readers."""
    told = 'key="mk_1", kind=restricted, livemode=?1, account="acct_1", path="acct_1", permission="api_key", access=write, revision=7'
    yield "server_principal", told.encode()
    for old, new in (
        (', permission="api_key", access=write', ""), (', access=write', ""), ("?1", "?0"), ("=?1", ""), ("?1", "1"), ("restricted", "admin"), ("restricted", "organization"),
        ('"mk_1"', "mk_1"), ('"mk_1"', '"mk 1"'), ('"mk_1"', '""'), ('"mk_1"', '("mk_1")'), ('"mk_1"', '"mk_1";a=1'), ('"acct_1",', '"acct_1,",'), ("api_key", '\\"\\\\'),
        ("write", "own"), ("revision=7", "revision=7.5"), ("revision=7", "revision=-7"), ("revision=7", "revision=7, more=1"), ("revision=7", 'revision=7, key="mk_2"'), (", ", ","), (", ", " \t, "), ("revision=7", "revision=7,"),
    ):
        yield "server_principal", told.replace(old, new).encode()
    for length in (0, 1, 63, 64, 65):
        yield "server_principal", told.replace("mk_1", "a" * length).encode()
    for digits in (15, 16):
        yield "server_principal", told.replace("=7", "=" + "9" * digits).encode()
    for number in (0, 1, 18234, 2**63 - 1, 2**63, 2**64 - 1):
        for way in b"onx":
            digest = b"filter-8"
            page = base64.urlsafe_b64encode(bytes([way]) + number.to_bytes(8, "big") + digest).rstrip(b"=")
            yield "server_page", digest + page
            yield "server_page", digest + page + b"="
            yield "server_page", digest[::-1] + page
    for values in (
        "", "203.0.113.7", "127.0.0.1, 203.0.113.7", "127.0.0.1\n203.0.113.7", "203.0.113.7, unknown", "203.0.113.7:80", "[::1]", "::1", "::ffff:10.0.0.1", "fe80::1%eth0", " 10.0.0.1\t", "10.0.0.1,",
        ",10.0.0.1", "010.0.0.1", "10.0.0", "10.0.0.256", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "\xff, 10.0.0.1", "\x7f,10.0.0.1", "10.0.0.1\n\n", "a\n,b\n10.0.0.1", "2001:DB8::7", "10.0.0.1 10.0.0.2",
    ):
        yield "server_forwarded", values.encode("latin-1")
    bodies = [
        {}, [], None, ["acct_1"], {"type": "secret_key"}, {"type": "publishable_key", "name": "a", "keyward": {"owner": "acct_1", "labels": {"team": "a"}}},
        {"type": "secret_key", "permissions": ["customer_read"], "ip_allowlist": ["10.0.0.0/8"], "expires_at": "2026-11-20T10:00:00Z", "keyward": {"kind": "restricted", "livemode": False, "sha256": "0a" * 32}},
        {"id": "acct_1", "name": "a"}, {"name": "a"}, {"reason": "a"}, {"grants": {"customer": "read"}}, {"id": "support", "grants": {"customer": "write"}}, {"sha256": "0a" * 32},
        {"keys": [{"sha256": "0a" * 32, "keyward": {"id": "mk_1"}}], "atomic": False}, {"endpoints": [{"method": "GET", "path": "/v1/w", "permission": "customer"}]},
        {"filter": {"kind": ["restricted"], "livemode": True}, "dry_run": True}, {"plan": "a", "confirm": 3}, {"as": "a", "files": {"a": "b"}, "override_policy": True, "reason": "a"},
        {"actor": {"id": "a", "email": "a@example.com"}, "role": "viewer"}, {"account": "acct_1", "actor": {"id": "a"}, "return_url": "https://a.example/", "features": ["create"], "expires_in": 60},
        {"expire_current_key_in_minutes": 10080, "keyward": {"no_expiry": True}},
        {"expire_current_key_in_minutes": -1}, {"keyward": {"expected ": 1}}, {"expected more": 1}, {"missing field `more`": 1}, {"type": "missing field `more`"}, {"name": 1e300}, {"name": "\ud800"},
    ]
    for kind in range(18):
        # Members in a documented form belong to some kinds only. All kinds reject the others alike.
        for body in bodies[: 21 if kind else None]:
            yield "server_body", bytes([kind]) + json.dumps(body).encode()
    for text in (b"", b"{", b'{"name": "a", "name": "b"}', b'{"name": "\xff"}', b"{} {}", b" {}\n", b"[" * 200):
        yield "server_body", b"\0" + text


SETTINGS = {
    "serve_mode": "test", "enforcement": "shadow", "max_snapshot_age": 86400, "preflight": "check", "allow_upgrades": True, "forward_credential": False,
    "principal_header": "x-who", "identity_headers": {"x-account-id": "account"}, "filter_state": "keyward.b",
}
SNAPSHOT = {
    "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1795194529, "catalogue": "none",
    "accounts": [{"id": "org_1"}, {"id": "acct_1", "parent": "org_1", "children": "any"}],
    "grant_sets": {"support": {"customer": "read"}},
    "endpoints": [{"method": "POST", "path": "/v1/w", "permission": "customer"}],
    "keys": [
        {"id": "mk_1", "sha256": "0a" * 32, "kind": "restricted", "livemode": False, "owner": "acct_1", "grants": "support", "allowed_ips": ["10.0.0.0/8"]},
        {"id": "mk_2", "sha256": "0b" * 32, "kind": "organization", "livemode": True, "owner": "org_1", "connect_grants": {"customer": "write"}},
    ],
}


def seeds():
    yield from edges()
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


def name_of(seed):
    return hashlib.sha1(seed).hexdigest()


def main(folder):
    for target, seed in seeds():
        if LIVE.search(seed):
            continue
        place = Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        (place / name_of(seed)).write_bytes(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
