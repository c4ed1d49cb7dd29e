#!/usr/bin/env python3
"""Layers from a directory that grows.

    tree.py record ROOT STATE           remembers what is there
    tree.py layer ROOT STATE OUT.tar    writes what came, changed or went since STATE, and records anew

Entries as image builders write them: a directory entry for each parent, numeric owners, whole seconds, xattrs as
`SCHILY.xattr`, hard links by name, `.wh.` files for what went. What is below proc, sys, dev and run stays out.
"""

import io
import os
import pickle
import stat
import sys
import tarfile
from pathlib import Path

SKIPPED = {"proc", "sys", "dev", "run", "tmp"}
# Leftovers of a package run that no image carries.
DROPPED = ("var/cache/apt/", "var/lib/apt/lists/", "var/log/")


def walk(root: str) -> dict[str, tuple]:
    found = {}

    def visit(folder: str) -> None:
        with os.scandir(os.path.join(root, folder) if folder else root) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                status = entry.stat(follow_symlinks=False)
                found[path] = (
                    status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns, status.st_ino,
                )
                inside = entry.is_dir(follow_symlinks=False) and path not in SKIPPED
                if inside and not f"{path}/".startswith(DROPPED):
                    visit(path)

    visit("")
    return found


def changes(before: dict, after: dict) -> tuple[list[str], list[str]]:
    """Paths to write, parents first, and paths that went (only the topmost of each)."""
    written = set()
    for path, state in after.items():
        known = before.get(path)
        # A directory's size and times change with what is in it; that alone is no change of the directory.
        is_dir = stat.S_ISDIR(state[0])
        same = known is not None and (known[:3] == state[:3] if is_dir else known == state)
        if not same:
            written.add(path)
    gone = {path for path in before if path not in after}
    topmost = [path for path in gone if os.path.dirname(path) not in gone]
    for path in list(written) + topmost:
        while path := os.path.dirname(path):
            written.add(path)
    return sorted(written), sorted(topmost)


def xattr_records(path: str) -> dict[str, str]:
    records = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(("security.capability", "user.", "system.posix_acl")):
            value = os.getxattr(path, name, follow_symlinks=False)
            records[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
    return records


def write_layer(root: str, before: dict, after: dict, out: Path) -> int:
    written, gone = changes(before, after)
    first_names: dict[tuple[int, int], str] = {}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for path in written:
            full = os.path.join(root, path)
            status = os.lstat(full)
            if stat.S_ISSOCK(status.st_mode):
                continue
            info = tar.gettarinfo(full, arcname=path)
            info.uname = info.gname = ""
            info.mtime = int(info.mtime)
            info.pax_headers = xattr_records(full)
            if stat.S_ISREG(status.st_mode):
                # tarfile keeps hard links by itself, but over paths that are not in this layer too.
                key = (status.st_dev, status.st_ino)
                first = first_names.setdefault(key, path)
                info.type = tarfile.REGTYPE if first == path else tarfile.LNKTYPE
                info.linkname = "" if first == path else first
                info.size = status.st_size if first == path else 0
            if info.isreg():
                with open(full, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
        for path in gone:
            info = tarfile.TarInfo(os.path.join(os.path.dirname(path), ".wh." + os.path.basename(path)))
            tar.addfile(info, io.BytesIO())
    return len(written) + len(gone)


def main() -> None:
    action, root, state = sys.argv[1:4]
    if action == "record":
        after = walk(root)
    else:
        with open(state, "rb") as file:
            before = pickle.load(file)
        after = walk(root)
        count = write_layer(root, before, after, Path(sys.argv[4]))
        print(f"{Path(sys.argv[4]).name}: {count} entries", file=sys.stderr)
    with open(state, "wb") as file:
        pickle.dump(after, file)


if __name__ == "__main__":
    main()
