#!/usr/bin/env python3
"""Packs the filter into an OCI image layout that Istio and Envoy Gateway load from. No daemon, nothing but the standard library.

Usage: image.py WASM FOLDER [--sbom FILE]

FOLDER gets three references, named after the version in Cargo.toml:

  VERSION             the variant "compat": one layer, a tar+gzip with plugin.wasm
  VERSION-artifact    the variant "oci": the module and its runtime configuration as layers with media types of their own
  sha256-DIGEST       with --sbom: what refers to VERSION, by the OCI 1.1 tag for registries without a referrers API

Sources: spec.md and spec-compat.md of solo-io/wasm, what Istio's image fetcher asks of both, the OCI image specification 1.1.

The same module of the same commit gives the same bytes on every machine: the times are the commit's, and the layer is stored, not deflated,
because what deflates best depends on the zlib of whoever packs. Prints one line for each reference: its digest and its name.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zlib
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WASM_CONFIG = "application/vnd.module.wasm.config.v1+json"
WASM_CONTENT = "application/vnd.module.wasm.content.layer.v1+wasm"
CYCLONEDX = "application/vnd.cyclonedx+json"
EMPTY = "application/vnd.oci.empty.v1+json"

# The ABI that the filter exports (proxy_abi_version_0_2_1), and its configured root_id.
RUNTIME = {"type": "envoy_proxy", "abiVersions": ["0.2.1"], "config": {"root_ids": ["keyward"]}}


class Layout:
    """An OCI image layout, written as it grows: blobs by their digests, and at the end the index that names what is in it."""

    def __init__(self, folder):
        self.folder = folder
        self.named = []
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))

    def add(self, media_type, content, **members):
        """Stores a blob and returns its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **members}

    def name(self, reference, descriptor):
        self.named.append({**descriptor, "annotations": {"org.opencontainers.image.ref.name": reference}})

    def close(self):
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.named}
        (self.folder / "index.json").write_bytes(as_json(index))


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def title(name):
    return {"org.opencontainers.image.title": name}


def manifest(config, layers, annotations, **members):
    return as_json({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers, "annotations": annotations, **members})


def tar(name, content, when):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(content), when, 0o644
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def gzip_stored(content):
    """RFC 1952 around stored blocks of RFC 1951, which have one form only."""
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    starts = range(0, len(content), 0xFFFF)
    blocks = []
    for start in starts:
        piece = content[start : start + 0xFFFF]
        blocks.append(struct.pack("<BHH", start == starts[-1], len(piece), len(piece) ^ 0xFFFF) + piece)
    return head + b"".join(blocks) + struct.pack("<II", zlib.crc32(content), len(content))


def git(*arguments):
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def provenance():
    """What every manifest says about where it comes from, and the time of the commit. A tree with changes says so in place of its commit."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    package = manifest["package"] | manifest["workspace"]["package"]
    when = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)
    revision = git("rev-parse", "HEAD")
    if revision and git("status", "--porcelain", "--untracked-files=no"):
        revision += "-dirty"
    said = {
        "title": package["name"],
        "description": package["description"],
        "version": package["version"],
        "licenses": package["license"],
        "created": datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": revision,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in said.items() if value}, when


def compat(layout, wasm, annotations, when):
    layer = tar("plugin.wasm", wasm, when)
    config = {
        "created": annotations["org.opencontainers.image.created"],
        # The module runs in Envoy's VM, so the architecture is not that of the packing machine.
        # Tools need one of Go's names.
        "architecture": "wasm",
        "os": "wasip1",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    return layout.add(MANIFEST, manifest(
        layout.add(CONFIG, as_json(config)),
        [layout.add(LAYER, gzip_stored(layer))],
        annotations | {"module.wasm.image/variant": "compat"},
    ))


def artifact(layout, wasm, annotations):
    config = layout.add(WASM_CONFIG, as_json(RUNTIME))
    content = layout.add(WASM_CONTENT, wasm, annotations=title("plugin.wasm"))
    # Two layers, including the configuration: Istio rejects an image with only one.
    layers = [config | {"annotations": title("runtime-config.json")}, content]
    return layout.add(MANIFEST, manifest(config, layers, annotations))


def referrers(layout, sbom, image):
    """The SBOM as an artifact about the image, in the index that a registry without a referrers API is asked for."""
    created = {"org.opencontainers.image.created": image["created"]}
    listed = layout.add(MANIFEST, manifest(
        layout.add(EMPTY, b"{}"),
        [layout.add(CYCLONEDX, sbom, annotations=title("keyward.wasm.cdx.json"))],
        created,
        artifactType=CYCLONEDX,
        subject=image["descriptor"],
    ), artifactType=CYCLONEDX)
    return layout.add(INDEX, as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}))


@contextlib.contextmanager
def written(folder):
    """A new layout, which takes the folder's place once it is complete. Prints what it has."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Built in a temporary folder and renamed, so that an interrupted run leaves nothing incomplete
    # under the final name.
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        work.chmod(0o755)
        layout = Layout(work)
        yield layout
        layout.close()
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for named in layout.named:
        print(named["digest"], named["annotations"]["org.opencontainers.image.ref.name"])


def main():
    arguments = argparse.ArgumentParser(description="Packs the filter into an OCI image layout.")
    arguments.add_argument("wasm", type=Path)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--sbom", type=Path)
    given = arguments.parse_args()
    wasm = given.wasm.read_bytes()
    if not wasm.startswith(b"\0asm\x01\0\0\0"):
        sys.exit(f"image.py: {given.wasm}: no WebAssembly module")

    annotations, when = provenance()
    version = annotations["org.opencontainers.image.version"]
    with written(given.folder) as layout:
        image = compat(layout, wasm, annotations, when)
        layout.name(version, image)
        layout.name(f"{version}-artifact", artifact(layout, wasm, annotations))
        if given.sbom:
            about = {"descriptor": image, "created": annotations["org.opencontainers.image.created"]}
            layout.name(image["digest"].replace(":", "-"), referrers(layout, given.sbom.read_bytes(), about))


if __name__ == "__main__":
    main()
