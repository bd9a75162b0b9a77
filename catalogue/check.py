#!/usr/bin/env python3
"""Checks that stripe.tsv and permissions.tsv are well formed and agree.

Usage: check.py [OPERATIONS]

OPERATIONS is a file with one `METHOD<TAB>PATH` per line; each of them must be in the catalogue, whatever its parameters are called.
Prints every problem with its place, then counts. Exit status: 0 without problems, 1 with some, 2 for wrong arguments.
"""

import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENDPOINT_COLUMNS = ["method", "path", "permission", "access", "publishable", "label", "category", "provenance", "host"]
PERMISSION_COLUMNS = ["name", "label", "category", "read", "write", "aliases", "provenance", "implies"]
METHODS = {"GET", "POST", "DELETE", "PUT", "PATCH"}
PROVENANCE = {"documented", "observed", "inferred"}
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LABEL = re.compile(r"[ -~]{1,128}")
LITERAL = re.compile(r"[A-Za-z0-9_.-]+")
PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
WILDCARD = re.compile(r"\{\*([a-z][a-z0-9_]*)\}")


class Report:
    def __init__(self):
        self.problems = 0

    def __call__(self, place, message):
        self.problems += 1
        print(f"{place}: {message}")


def main(arguments):
    if len(arguments) > 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    report = Report()
    permissions = check_permissions(report)
    endpoints = check_endpoints(permissions, report)
    if arguments:
        check_coverage(endpoints, Path(arguments[0]), report)
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
            if not NAME.fullmatch(spelling) or spelling.endswith(("_read", "_write")):
                report(place, f"`{spelling}` is no permission name")
            if spellings[spelling] > 1:
                report(place, f"`{spelling}` is there twice, as a name or an alias")
        if not (LABEL.fullmatch(row["label"]) and LABEL.fullmatch(row["category"])):
            report(place, "a label or category that is not 1 to 128 characters of printable ASCII")
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
        if row["provenance"] not in PROVENANCE:
            report(place, f"unknown provenance `{row['provenance']}`")
        if row["host"] != "-" and not HOST.fullmatch(row["host"]):
            report(place, f"`{row['host']}` is no host")
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
    check_sorted(rows, lambda row: (row["path"], row["method"]), report)
    for name, row in permissions.items():
        if row["provenance"] == "inferred" and name not in used:
            report("permissions.tsv", f"`{name}` is inferred, but no endpoint uses it")
    print_counts("endpoints", rows)
    print(f"publishable: {sum(row['publishable'] == 'yes' for _, row in rows)}; permissions in use: {len(used)}")
    return shapes


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
        # One parameter and one wildcard per node of the trie: both names are kept apart by the kind.
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


def check_coverage(endpoints, path, report):
    operations = set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) != 2:
            report(f"{path.name}:{number}", "expected a method, a tab and a path")
            continue
        operation = (fields[0], shape(fields[1]))
        operations.add(operation)
        if operation not in endpoints:
            report(f"{path.name}:{number}", f"{fields[0]} {fields[1]} is not in the catalogue")
    covered = len(operations & endpoints.keys())
    print(f"coverage: {covered} of {len(operations)} operations; {len(endpoints) - covered} endpoints beyond them")


def print_counts(what, rows):
    counts = Counter(row["provenance"] for _, row in rows)
    print(f"{what}: {len(rows)} (" + ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) + ")")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
