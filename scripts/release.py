#!/usr/bin/env python3
"""Gathers a release under target/release-VERSION: the filter, the command, the server, the native module, SBOMs, the image, where they come from, and the
checksums of all.

`make release` builds first. Refused (exit status 1): a tree with changes, and a version that CHANGELOG.md has no dated section for. The provenance is an
in-toto statement (v1) with SLSA's predicate (v1). Nothing is signed here: SHA256SUMS is what is signed, with whatever those who take it trust.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"

# The targets of Rust on which the native module's tests run.
TESTED = ("x86_64-unknown-linux-gnu",)


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def refuse(why):
    sys.exit(f"release.py: {why}")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def host():
    return re.search(r"^host: (.*)$", run("rustc", "-vV"), re.MULTILINE)[1]


def modules(version):
    """The native modules that were built, by the names they are released under. A target that no test runs on says so in the name."""
    found = {}
    for path in sorted((TARGET / "native").glob(f"libkeyward-{version}-*.so")):
        is_tested = path.stem.removeprefix(f"libkeyward-{version}-") in TESTED
        found[path.name if is_tested else f"{path.stem}.not-tested.so"] = path
    if not any(path.stem == f"libkeyward-{version}-{target}" for path in found.values() for target in TESTED):
        refuse(f"target/native has no native module of {version}: `make release` builds it")
    return found


def notes(version):
    """The version's section of the changelog, with its heading."""
    text = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[0].rstrip() + "\n" if found else refuse(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")


def image(folder, when):
    """The image layout as one file, with the time of the commit and nobody's name."""

    def plain(entry):
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = when, 0, 0, "", ""
        return entry

    with tarfile.open(folder, "w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(path for path in (TARGET / "image").rglob("*") if path.is_file()):
            archive.add(path, arcname=path.relative_to(TARGET / "image").as_posix(), filter=plain)


def provenance(files, commit):
    version = run("rustc", "--version")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": path.name, "digest": {"sha256": sha256(path)}} for path in files],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                # What to run on that commit to build the same filter and image.
                "buildType": "urn:keyward:make-release:v1",
                "externalParameters": {"commit": commit},
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {"name": "Cargo.lock", "digest": {"sha256": sha256(ROOT / "Cargo.lock")}},
                    {"name": "rust-toolchain.toml", "digest": {"sha256": sha256(ROOT / "rust-toolchain.toml")}, "annotations": {"rustc": version}},
                ],
            },
            # This may be anyone's machine. No one vouches for it, and `make reproducible` is how to
            # check the filter.
            "runDetails": {"builder": {"id": f"urn:keyward:local:{host()}"}},
        },
    }


def main():
    if run("git", "status", "--porcelain", "--untracked-files=no"):
        refuse("the tree has changes: commit them first")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    said, native = notes(version), modules(version)
    commit, when = run("git", "rev-parse", "HEAD"), int(run("git", "log", "-1", "--format=%ct"))

    folder = TARGET / f"release-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    made = {
        f"keyward-{version}.wasm": TARGET / "wasm32-wasip1/release/keyward.wasm",
        f"keyward-{version}-{host()}": TARGET / "release/keyward",
        f"keyward-server-{version}-{host()}": TARGET / "release/keyward-server",
        "keyward-server.service": ROOT / "server/keyward-server.service",
        f"keyward-{version}.wasm.cdx.json": TARGET / "keyward.wasm.cdx.json",
        f"keyward-{version}-{host()}.cdx.json": TARGET / "keyward.cdx.json",
        f"keyward-server-{version}-{host()}.cdx.json": TARGET / "keyward-server.cdx.json",
        f"libkeyward-{version}.so.cdx.json": TARGET / "libkeyward.so.cdx.json",
    } | native
    for name, source in made.items():
        shutil.copyfile(source, folder / name)
    for program in ("keyward", "keyward-server"):
        (folder / f"{program}-{version}-{host()}").chmod(0o755)
    image(folder / f"keyward-{version}.oci.tar", when)
    (folder / "NOTES.md").write_text(said)
    files = sorted(folder.iterdir())
    statement = folder / f"keyward-{version}.intoto.json"
    statement.write_text(json.dumps(provenance(files, commit), indent=2) + "\n")
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines))
    print(f"{folder.relative_to(ROOT)}:")
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
