#!/usr/bin/env python3
"""Writes an OCI image layout from layer tars.

    oci.py LAYOUT --compression gzip|zstd|none [--tag latest] [--config '{"Cmd": [...]}'] LAYER.tar...

One compressed stream per layer, with the settings that image builders use: gzip level 6 as a single member, zstd
level 3. Only the standard library, gzip(1) and zstd(1).
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

COMMANDS = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-3", "-q", "-c"]}
SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}


class Blobs:
    """The blobs folder of a layout."""

    def __init__(self, layout: Path):
        self.folder = layout / "blobs" / "sha256"
        self.folder.mkdir(parents=True, exist_ok=True)

    def add_bytes(self, content: bytes) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def add_layer(self, tar: Path, compression: str) -> tuple[dict, str]:
        """The descriptor and the diff id."""
        part = self.folder / f".part.{os.getpid()}"
        if compression == "none":
            with tar.open("rb") as source, part.open("wb") as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
        else:
            with tar.open("rb") as source, part.open("wb") as target:
                subprocess.run(COMMANDS[compression], stdin=source, stdout=target, check=True)
        digest, diff_id = file_digest(part), file_digest(tar)
        size = part.stat().st_size
        part.rename(self.folder / digest)
        media_type = "application/vnd.oci.image.layer.v1.tar" + SUFFIX[compression]
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}, f"sha256:{diff_id}"


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else slow_digest(file)


def slow_digest(file) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def write_layout(layout: Path, tars: list[Path], compression: str, tag: str, settings: dict, architecture: str) -> None:
    blobs = Blobs(layout)
    layers, diff_ids = [], []
    for tar in tars:
        descriptor, diff_id = blobs.add_layer(tar, compression)
        layers.append(descriptor)
        diff_ids.append(diff_id)
    config = {
        "created": "2026-01-01T00:00:00Z",
        "architecture": architecture,
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": tar.name} for tar in tars],
    }
    config_type = "application/vnd.oci.image.config.v1+json"
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": {"mediaType": config_type, **blobs.add_bytes(json.dumps(config).encode())},
        "layers": layers,
    }
    descriptor = {
        "mediaType": manifest_type,
        **blobs.add_bytes(json.dumps(manifest).encode()),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    total = sum(layer["size"] for layer in layers)
    unpacked = sum(tar.stat().st_size for tar in tars)
    print(f"{layout.name}: {len(layers)} layers, {total / 1e6:.1f} MB, tars {unpacked / 1e6:.1f} MB", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layout", type=Path)
    parser.add_argument("--compression", choices=SUFFIX, default="gzip")
    parser.add_argument("--tag", default="latest")
    parser.add_argument("--config", type=json.loads, default={})
    parser.add_argument("--architecture", default="amd64")
    parser.add_argument("tars", nargs="+", type=Path)
    given = parser.parse_args()
    write_layout(given.layout, given.tars, given.compression, given.tag, given.config, given.architecture)


if __name__ == "__main__":
    main()
