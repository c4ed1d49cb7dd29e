#!/usr/bin/env python3
"""Compares two unpacked trees in every name, type, mode, owner, time, xattr, link count and content.

    tree.py EXPECTED ACTUAL [--skip PATH]... [--ignore-time PATH]... [--since SECONDS]

--since: times of EXPECTED at or after that moment were made by unpacking and are not compared: a directory that no
layer has an entry for, or that an unpacker touched afterwards.
Left out of both: link counts of directories (file systems differ) and overlayfs's own xattrs.
"""

import argparse
import hashlib
import os
import stat
import sys


def content(path: bytes, status: os.stat_result) -> str:
    if stat.S_ISREG(status.st_mode):
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        return f"{status.st_size} {digest.hexdigest()}"
    if stat.S_ISLNK(status.st_mode):
        return repr(os.readlink(path))
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    return ""


def xattrs(path: bytes) -> dict[str, bytes]:
    names = (name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith("trusted.overlay."))
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def describe(path: bytes) -> dict:
    status = os.lstat(path)
    is_dir = stat.S_ISDIR(status.st_mode)
    return {
        "mode": oct(status.st_mode), "owner": f"{status.st_uid}:{status.st_gid}", "mtime": status.st_mtime_ns,
        "links": None if is_dir else status.st_nlink, "content": content(path, status), "xattrs": xattrs(path),
    }


def walk(root: bytes, skipped: set[bytes]) -> dict[bytes, dict]:
    found = {}

    def visit(folder: bytes) -> None:
        for name in os.listdir(os.path.join(root, folder)):
            path = os.path.join(folder, name)
            if path in skipped:
                continue
            full = os.path.join(root, path)
            found[path] = describe(full)
            if stat.S_ISDIR(os.lstat(full).st_mode):
                visit(path)

    visit(b"")
    return found


def compare(expected: dict, actual: dict, since: int, timeless: set[bytes]) -> list[str]:
    findings = [f"missing: {path!r}" for path in sorted(expected.keys() - actual.keys())]
    findings += [f"too much: {path!r}" for path in sorted(actual.keys() - expected.keys())]
    for path in sorted(expected.keys() & actual.keys()):
        for aspect, wanted in expected[path].items():
            got = actual[path][aspect]
            if aspect == "mtime" and (wanted >= since * 1_000_000_000 or path in timeless):
                continue
            if wanted != got:
                findings.append(f"{path!r}: {aspect}: expected {wanted!r}, found {got!r}")
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("expected")
    parser.add_argument("actual")
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--ignore-time", action="append", default=[])
    parser.add_argument("--since", type=int, default=1 << 62)
    given = parser.parse_args()
    skipped = {os.fsencode(path) for path in given.skip}
    expected = walk(os.fsencode(given.expected), skipped)
    actual = walk(os.fsencode(given.actual), skipped)
    findings = compare(expected, actual, given.since, {os.fsencode(path) for path in given.ignore_time})
    print("\n".join(findings[:50]) or f"{len(expected)} entries agree")
    sys.exit(1 if findings or not expected else 0)


if __name__ == "__main__":
    main()
