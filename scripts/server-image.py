#!/usr/bin/env python3
"""Packs keyward-server into an OCI image layout that container engines run. No daemon, nothing but the standard library and `ldd`.

Usage: server-image.py PROGRAM FOLDER

The image has no base: one layer with the program, the shared libraries that it needs, as this machine has them, and two users, `keyward`
(the server's) and `envoy` (which may speak for the gateway). FOLDER gets one reference, named after the version in Cargo.toml. Prints its
digest and its name.

The program opens Unix sockets and no port: mount the folder of `api.sock` into the container of Envoy as well (docs/server.md).
"""

import argparse
import hashlib
import importlib.util
import io
import platform
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

packing = importlib.util.spec_from_file_location("image", Path(__file__).resolve().parent / "image.py")
image = importlib.util.module_from_spec(packing)
packing.loader.exec_module(image)

# As Go calls them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

PROGRAM = "usr/bin/keyward-server"
DATA = "/var/lib/keyward"
KEYWARD, ENVOY, RUN = 10001, 10002, "/run/keyward"

PASSWD = f"""root:x:0:0:root:/:/sbin/nologin
keyward:x:{KEYWARD}:{KEYWARD}:keyward-server:{DATA}:/sbin/nologin
envoy:x:{ENVOY}:{KEYWARD}:Envoy:/:/sbin/nologin
"""
GROUP = f"root:x:0:\nkeyward:x:{KEYWARD}:\n"


def libraries(program):
    """Where the program looks for its shared libraries, and the files that are there."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    paths = re.findall(r"(?:=> )?(/\S+) \(0x", said)
    if "not found" in said or not any("ld-" in path for path in paths):
        sys.exit(f"server-image.py: {program}: ldd does not name all of its libraries")
    return sorted(set(paths))


def layer(program, when):
    """The layer, its entries in one order and without anybody's name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        made = set()

        def folder(path, owner=0, mode=0o755):
            for parent in reversed(Path(path).parents):
                if str(parent) not in made | {"."}:
                    folder(parent)
            if str(path) in made:
                return
            made.add(str(path))
            entry = tarfile.TarInfo(str(path))
            entry.type, entry.mtime, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, when, mode, owner, owner
            archive.addfile(entry)

        def file(path, content, mode):
            folder(Path(path).parent)
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime, entry.mode = len(content), when, mode
            archive.addfile(entry, io.BytesIO(content))

        file(PROGRAM, Path(program).read_bytes(), 0o755)
        for path in libraries(program):
            file(path.lstrip("/"), Path(path).read_bytes(), 0o755)
        file("etc/passwd", PASSWD.encode(), 0o644)
        file("etc/group", GROUP.encode(), 0o644)
        folder(DATA.lstrip("/"), KEYWARD, 0o700)
        folder(RUN.lstrip("/"), KEYWARD, 0o750)
        folder("tmp", 0, 0o1777)
    return buffer.getvalue()


def main():
    arguments = argparse.ArgumentParser(description="Packs keyward-server into an OCI image layout.")
    arguments.add_argument("program", type=Path)
    arguments.add_argument("folder", type=Path)
    given = arguments.parse_args()
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        sys.exit(f"server-image.py: no name is known for the architecture {machine}")
    annotations, when = image.provenance()
    package = tomllib.loads((image.ROOT / "server/Cargo.toml").read_text())["package"]
    for name, value in [("title", package["name"]), ("description", package["description"])]:
        annotations[f"org.opencontainers.image.{name}"] = value
    content = layer(given.program, when)
    config = {
        "created": annotations["org.opencontainers.image.created"],
        "architecture": ARCHITECTURES[machine],
        "os": "linux",
        "config": {
            "User": f"{KEYWARD}:{KEYWARD}",
            "Entrypoint": [f"/{PROGRAM}"],
            "Cmd": ["serve", "--config", f"{DATA}/keyward-server.toml"],
            "Volumes": {DATA: {}, RUN: {}},
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
    }
    with image.written(given.folder) as layout:
        packed = layout.add(image.LAYER, image.gzip_stored(content))
        manifest = image.manifest(layout.add(image.CONFIG, image.as_json(config)), [packed], annotations)
        described = layout.add(image.MANIFEST, manifest, platform={"architecture": ARCHITECTURES[machine], "os": "linux"})
        layout.name(annotations["org.opencontainers.image.version"], described)


if __name__ == "__main__":
    main()
