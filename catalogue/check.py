#!/usr/bin/env python3
"""Checks that stripe.tsv, permissions.tsv and observed.tsv are well formed and agree, with each other and with key_api.txt.

Usage: check.py

Prints every problem with its place, then counts. Exit status: 0 without problems, 1 with some, 2 for wrong arguments.
"""

import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENDPOINT_COLUMNS = ["method", "path", "permission", "access", "publishable", "label", "category", "provenance", "host"]
PERMISSION_COLUMNS = ["name", "label", "category", "read", "write", "aliases", "provenance", "implies", "direct"]
OBSERVED_COLUMNS = ["source", "kind", "method", "path", "permission", "ours", "note"]
METHODS = {"GET", "POST", "DELETE", "PUT", "PATCH"}
PROVENANCE = {"documented", "observed", "inferred"}
KINDS = {"page", "error", "account", "list", "earlier"}
# The groups of Stripe's key page, as far as known. The others are groups of its API reference.
CATEGORIES = {
    "Accounts v2",
    "Billing",
    "Capital",
    "Checkout",
    "Climate",
    "Connect",
    "Core",
    "Developers",
    "Financial Connections",
    "Identity",
    "Issuing",
    "Money Management",
    "Orders",
    "Payment Links",
    "Radar",
    "Reporting",
    "Tax",
    "Terminal",
    "Treasury",
    "Webhook",
}
HOSTS = {"connect.stripe.com", "files.stripe.com", "meter-events.stripe.com"}
# The rows that Stripe.js and the mobile SDKs call with a publishable key, and no others.
INTENT_PATHS = ["/confirm", "/link_account_sessions/{}/attach", "/refresh", "/source_cancel", "/verify_microdeposits"]
PUBLISHABLE = {
    ("DELETE", "/v1/consumers/{*}"),
    ("GET", "/v1/consumers/{*}"),
    ("POST", "/v1/consumers/{*}"),
    ("GET", "/v1/elements/sessions"),
    ("GET", "/v1/financial_connections/sessions/{}"),
    ("POST", "/v1/payment_methods"),
    ("POST", "/v1/sources"),
    ("POST", "/v1/tokens"),
    *(("GET", f"/v1/{intent}_intents/{{}}") for intent in ("payment", "setup")),
    *(("POST", f"/v1/{intent}_intents/{{}}{path}") for intent in ("payment", "setup") for path in INTENT_PATHS),
}
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LABEL = re.compile(r"[ -~]{1,128}")
LITERAL = re.compile(r"[A-Za-z0-9_.-]+")
PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
WILDCARD = re.compile(r"\{\*([a-z][a-z0-9_]*)\}")


class Report:
    def __init__(self):
        self.problems = 0

    def __call__(self, place, message):
        self.problems += 1
        print(f"{place}: {message}")


def main(arguments):
    if arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    report = Report()
    permissions = check_permissions(report)
    check_key_api(permissions, report)
    endpoints = check_endpoints(permissions, report)
    check_observed(endpoints, report)
    check_counts(report)
    print(f"{report.problems} problems" if report.problems else "ok")
    return 1 if report.problems else 0


def read_table(name, columns, report):
    """The rows as (place, {column: value}); the last comment line must name the columns."""
    raw = (HERE / name).read_bytes()
    if not raw.isascii() or b"\r" in raw or not raw.endswith(b"\n"):
        report(name, "expected ASCII with LF line endings and a final newline")
    rows, last_comment = [], None
    for number, line in enumerate(raw.decode("ascii", "replace").splitlines(), 1):
        place = f"{name}:{number}"
        if line.startswith("#"):
            last_comment = line
            if rows:
                report(place, "a comment after the first row")
            continue
        fields = line.split("\t")
        if len(fields) != len(columns):
            report(place, f"expected {len(columns)} columns, found {len(fields)}")
            continue
        if any(field != field.strip() or not field for field in fields):
            report(place, "an empty field, or space around one")
        rows.append((place, dict(zip(columns, fields))))
    if last_comment != "# " + "\t".join(columns):
        report(name, "the last comment line does not name the columns")
    if not rows:
        report(name, "no rows")
    return rows


def check_permissions(report):
    rows = read_table("permissions.tsv", PERMISSION_COLUMNS, report)
    permissions, spellings = {}, Counter()
    for place, row in rows:
        aliases = [] if row["aliases"] == "-" else row["aliases"].split(",")
        for spelling in [row["name"], *aliases]:
            spellings[spelling] += 1
            if not NAME.fullmatch(spelling) or spelling.startswith("rak_") or spelling.endswith(("_read", "_write")):
                report(place, f"`{spelling}` is no permission name")
            if spellings[spelling] > 1:
                report(place, f"`{spelling}` is there twice, as a name or an alias")
        if not LABEL.fullmatch(row["label"]):
            report(place, "a label that is not 1 to 128 characters of printable ASCII")
        if row["category"] not in CATEGORIES:
            report(place, f"unknown category `{row['category']}`")
        if not {row["read"], row["write"]} <= {"yes", "-"} or row["read"] == row["write"] == "-":
            report(place, "expected `yes` or `-` for read and write, and one `yes`")
        if row["provenance"] not in PROVENANCE:
            report(place, f"unknown provenance `{row['provenance']}`")
        permissions[row["name"]] = row
    check_implied(rows, permissions, report)
    check_sorted(rows, lambda row: row["name"], report)
    print_counts("permissions", rows)
    return permissions


def check_implied(rows, permissions, report):
    for place, row in rows:
        implied = [] if row["implies"] == "-" else row["implies"].split(",")
        if len(set(implied)) != len(implied) or row["name"] in implied:
            report(place, "a permission implied twice, or by itself")
        for name in implied:
            if name not in permissions:
                report(place, f"`{name}` is implied, but is no name in this file")
            elif permissions[name]["read"] == "-":
                report(place, f"`{name}` is implied, but has no read level")


def check_key_api(permissions, report):
    """Every permission of Stripe's key API is known under its own name and level."""
    lines = (HERE / "key_api.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    if names != sorted(set(names)) or len(names) != 158:
        report("key_api.txt", f"expected 158 names in order, each once, found {len(names)}")
    for name in names:
        permission, _, level = name.rpartition("_")
        if permissions.get(permission, {}).get(level) != "yes":
            report("key_api.txt", f"`{name}` is not in permissions.tsv")
    print(f"key API: {len(names)} permissions known")


def check_endpoints(permissions, report):
    rows = read_table("stripe.tsv", ENDPOINT_COLUMNS, report)
    shapes, parameters, used = {}, {}, set()
    for place, row in rows:
        if row["method"] not in METHODS:
            report(place, f"unknown method `{row['method']}`")
        check_path(place, row["path"], parameters, report)
        key = (row["method"], shape(row["path"]))
        if key in shapes:
            report(place, f"the same endpoint as {shapes[key]}")
        shapes.setdefault(key, place)
        level = row["access"] if row["access"] != "-" else default_access(row["method"])
        if row["access"] not in {"read", "write", "-"}:
            report(place, f"unknown access `{row['access']}`")
        elif row["access"] == default_access(row["method"]):
            report(place, f"access `{row['access']}` follows from the method: write `-`")
        if row["publishable"] not in {"yes", "-"}:
            report(place, "expected `yes` or `-` for publishable")
        if (row["publishable"] == "yes") != (key in PUBLISHABLE):
            report(place, f"publishable is `{row['publishable']}`, but the list in check.py says otherwise")
        if row["provenance"] not in PROVENANCE:
            report(place, f"unknown provenance `{row['provenance']}`")
        if row["host"] != "-" and row["host"] not in HOSTS:
            report(place, f"unknown host `{row['host']}`")
        names = row["permission"].split("|")
        if len(set(names)) != len(names):
            report(place, "a permission twice")
        for name in names:
            used.add(name)
            if name not in permissions:
                report(place, f"`{name}` is not in permissions.tsv")
            elif permissions[name]["write"] == "-" and (level == "write" or permissions[name]["read"] == "-"):
                report(place, f"`{name}` has no {level} level in permissions.tsv")
        for column in ("label", "category"):
            first = permissions.get(names[0])
            if first and row[column] != first[column]:
                report(place, f"{column} `{row[column]}`, but `{names[0]}` has `{first[column]}`")
    for method, path in sorted(PUBLISHABLE - shapes.keys()):
        report("stripe.tsv", f"{method} {path} is publishable, but is no row")
    check_sorted(rows, lambda row: (row["path"], row["method"]), report)
    for name, row in permissions.items():
        if row["provenance"] == "inferred" and name not in used:
            report("permissions.tsv", f"`{name}` is inferred, but no endpoint uses it")
    print_counts("endpoints", rows)
    print(f"publishable: {sum(row['publishable'] == 'yes' for _, row in rows)}; permissions in use: {len(used)}")
    return shapes


def check_observed(endpoints, report):
    """The form alone: whether the catalogue agrees is for a test to say."""
    rows = read_table("observed.tsv", OBSERVED_COLUMNS, report)
    seen = set()
    for place, row in rows:
        if row["kind"] not in KINDS:
            report(place, f"unknown kind `{row['kind']}`")
        if (row["method"], shape(row["path"])) not in endpoints:
            report(place, f"{row['method']} {row['path']} is not in stripe.tsv")
        if not row["permission"].endswith(("_read", "_write")):
            report(place, f"`{row['permission']}` does not end in its level")
        if row["source"] == "-" or row["note"] == "-" or tuple(row.values())[:5] in seen:
            report(place, "without a source or a note, or there twice")
        seen.add(tuple(row.values())[:5])
    check_sorted(rows, lambda row: (row["path"], row["method"], row["permission"], row["source"]), report)
    disagreements = sum(row["ours"] != "-" for _, row in rows)
    print(f"observed: {len(rows)}, of which ours differs from {disagreements}")


def check_counts(report):
    """SOURCES.md states how many rows rest on what."""
    told = (HERE / "SOURCES.md").read_text()
    for what, file in (("endpoints", "stripe.tsv"), ("permissions", "permissions.tsv")):
        columns = ENDPOINT_COLUMNS if file == "stripe.tsv" else PERMISSION_COLUMNS
        rows = read_table(file, columns, Report())
        counts = Counter(row["provenance"] for _, row in rows)
        line = f"| {what} | {counts['documented']} | {counts['observed']} | {counts['inferred']} | {len(rows)} |"
        if line not in told:
            report("SOURCES.md", f"expected the line `{line}`")


def check_path(place, path, parameters, report):
    if not path.startswith("/"):
        report(place, "a path that does not start with `/`")
    segments = path[1:].split("/")
    names = []
    for index, segment in enumerate(segments):
        wildcard, parameter = WILDCARD.fullmatch(segment), PARAMETER.fullmatch(segment)
        if wildcard and index != len(segments) - 1:
            report(place, "a wildcard that is not the last segment")
        if not (wildcard or parameter or LITERAL.fullmatch(segment)):
            report(place, f"`{segment}` is no literal, parameter or wildcard")
        if not (wildcard or parameter):
            continue
        name = (wildcard or parameter).group(1)
        names.append(name)
        # A node of the tree has one parameter and one wildcard. The kind distinguishes the two
        # names.
        node = (shape("/" + "/".join(segments[:index])), bool(wildcard))
        if parameters.setdefault(node, name) != name:
            report(place, f"`{segment}` is called `{parameters[node]}` elsewhere")
    if len(set(names)) != len(names):
        report(place, "a parameter name twice")


def shape(path):
    """The path with parameters stripped of their names, so that equal shapes match the same requests."""
    return re.sub(r"\{(\*?)[^}]*\}", r"{\1}", path)


def default_access(method):
    return "read" if method == "GET" else "write"


def check_sorted(rows, key, report):
    for (_, before), (place, row) in zip(rows, rows[1:]):
        if key(row) < key(before):
            report(place, "out of order")


def print_counts(what, rows):
    counts = Counter(row["provenance"] for _, row in rows)
    print(f"{what}: {len(rows)} (" + ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) + ")")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
