#!/usr/bin/env python3
"""Writes the layers of the odd image: everything that tars may hold and seldom do.

    odd.py FOLDER        -> FOLDER/{1-base,2-odd,3-leaning}.tar

Headers are made by hand, sparse files by GNU tar. Nothing here may depend on the code under test. Only what umoci
unpacks is in it, since its tree is what ours is compared with: PAX global headers, contiguous files and the
old GNU sparse format are tested by the layer crate alone.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = 512
TIME = 1_700_000_000
BUSYBOX = Path("/bin/busybox")


def octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def number(value: int, width: int) -> bytes:
    """Octal where it fits, else base-256 as GNU writes it."""
    if 0 <= value < 8 ** (width - 1):
        return octal(value, width)
    return bytes([0x80 if value >= 0 else 0xFF]) + value.to_bytes(width - 1, "big", signed=True)


def padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % BLOCK)


def header(name: bytes, kind: bytes, size=0, mode=0o644, uid=0, gid=0, mtime=TIME, link=b"", device=(0, 0), gnu=False,
           prefix=b"", numbers=number) -> bytes:
    block = bytearray(BLOCK)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:108] = octal(mode, 8)
    block[108:116] = numbers(uid, 8)
    block[116:124] = numbers(gid, 8)
    block[124:136] = numbers(size, 12)
    block[136:148] = numbers(mtime, 12)
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:257] = link[:100].ljust(100, b"\0")
    block[257:265] = b"ustar  \0" if gnu else b"ustar\x0000"
    block[329:337] = octal(device[0], 8)
    block[337:345] = octal(device[1], 8)
    block[345:500] = prefix[:155].ljust(155, b"\0")
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if rest + len(str(length)) != length:
        length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def pax(records: dict[bytes, bytes], kind=b"x") -> bytes:
    body = b"".join(record(key, value) for key, value in records.items())
    return header(b"PaxHeaders.0/odd", kind, size=len(body)) + padded(body)


def file(name: bytes, content=b"", **more) -> bytes:
    return header(name, b"0", size=len(content), **more) + padded(content)


def folder(name: bytes, mode=0o755, **more) -> bytes:
    return header(name, b"5", mode=mode, **more)


def gnu_long(name: bytes, kind: bytes) -> bytes:
    body = name + b"\0"
    return header(b"././@LongLink", kind, size=len(body), gnu=True, mtime=0) + padded(body)


def base() -> bytes:
    busybox = BUSYBOX.read_bytes()
    parts = [
        folder(b"./"), folder(b"bin/"), file(b"bin/busybox", busybox, mode=0o755),
        header(b"bin/sh", b"2", link=b"busybox", mode=0o777),
        folder(b"usr/"), folder(b"usr/lib/"), file(b"usr/lib/below", b"below\n"),
        header(b"lib", b"2", link=b"usr/lib", mode=0o777),
        folder(b"tmp/", mode=0o1777), folder(b"home/"), folder(b"home/user/", mode=0o700, uid=1000, gid=1000),
        folder(b"opt/"), folder(b"opt/opaque/"), file(b"opt/opaque/hidden", b"x"), folder(b"opt/opaque/sub/"),
        file(b"opt/opaque/sub/hidden", b"x"),
        folder(b"opt/late/"), file(b"opt/late/hidden", b"x"),
        folder(b"opt/swap/"), file(b"opt/swap/inside", b"x"), file(b"opt/plain", b"file below\n"),
        folder(b"gone/"), file(b"gone/a", b"a"), file(b"removed", b"removed"),
        file(b"origin", b"the bytes of a lower layer\n", mode=0o640, uid=7, gid=8),
        folder(b"etc/"), file(b"etc/passwd", b"root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"),
        file(b"etc/group", b"root:x:0:\nuser:x:1000:\n"),
    ]
    return b"".join(parts) + b"\0" * 1024


def capability() -> bytes:
    """cap_net_raw+ep, version 2. Source: linux/capability.h, struct vfs_cap_data."""
    return (0x02000001).to_bytes(4, "little") + (1 << 13).to_bytes(4, "little") + bytes(12)


def acl() -> bytes:
    """user::rw-, user:1000:r--, group::r--, mask::r--, other::r--. Source: linux/posix_acl_xattr.h."""
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF)]
    return (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, bits, who in entries
    )


def odd() -> bytes:
    long_name = b"odd/" + b"n" * 120 + b"/" + b"m" * 200
    long_link = b"../" * 40 + b"bin/busybox"
    parts = [
        folder(b"./odd/"),
        # GNU long names and links.
        folder(b"odd/" + b"n" * 90 + b"/"),
        gnu_long(long_name.rsplit(b"/", 1)[0] + b"/", b"L"), folder(long_name[:100], gnu=True),
        gnu_long(long_name, b"L"), file(long_name[:100], b"long\n", gnu=True),
        gnu_long(long_link, b"K"), header(b"odd/long-link", b"2", link=long_link[:100], mode=0o777, gnu=True),
        # ustar's prefix field, PAX path.
        folder(b"odd/prefix/"), file(b"name", b"prefixed\n", prefix=b"odd/prefix"),
        pax({b"path": b"odd/" + b"p" * 250}), file(b"odd/short", b"pax path\n"),
        # Numbers out of the old range.
        file(b"odd/base256-owner", b"1", uid=3_000_000, gid=4_000_000_000),
        pax({b"uid": b"70000", b"gid": b"3000000000"}), file(b"odd/pax-owner", b"2"),
        file(b"odd/base256-old", b"3", mtime=-86_400),
        pax({b"mtime": b"-1.75"}), file(b"odd/pax-old", b"4"),
        pax({b"mtime": b"1700000000.123456789"}), file(b"odd/nanoseconds", b"5"),
        # Bits, types.
        file(b"odd/setuid", b"6", mode=0o4755), file(b"odd/setgid", b"7", mode=0o2755),
        folder(b"odd/sticky", mode=0o1777), file(b"odd/no-rights", b"8", mode=0),
        header(b"odd/char", b"3", device=(1, 3), mode=0o666), header(b"odd/block", b"4", device=(7, 200), mode=0o660),
        header(b"odd/fifo", b"6", mode=0o622),
        file(b"odd/empty"), header(b"odd/old-regular", b"\0", size=3) + padded(b"old"),
        # Names.
        file(b"odd/latin1-\xe9", b"9"), file(b"odd/blank and\nnewline", b"10"), file("odd/ünïcödé".encode(), b"11"),
        file(b"odd//double//slash", b"12"), file(b"./odd/./dot", b"13"),
        # Links: to a file, to a link, to a symlink.
        header(b"odd/hard", b"1", link=b"odd/nanoseconds"), header(b"odd/hard-2", b"1", link=b"odd/hard"),
        header(b"odd/dangling", b"2", link=b"/no/such/place", mode=0o777),
        header(b"odd/hard-to-symlink", b"1", link=b"odd/dangling"),
        # xattrs.
        pax({b"SCHILY.xattr.security.capability": capability(), b"SCHILY.xattr.user.odd": b"one\0two"}),
        file(b"odd/capable", b"14", mode=0o755),
        pax({b"SCHILY.xattr.system.posix_acl_access": acl()}), file(b"odd/acl", b"15"),
        pax({b"SCHILY.xattr.user.folder": b"yes"}), folder(b"odd/xattr-folder"),
        # Given twice: the last one counts, also across types.
        file(b"odd/twice", b"first, and longer\n", mode=0o600), file(b"odd/twice", b"second\n"),
        file(b"odd/file-then-folder", b"x"), folder(b"odd/file-then-folder/"), file(b"odd/file-then-folder/in", b"16"),
        folder(b"odd/folder-then-file/"), file(b"odd/folder-then-file/in", b"x"), file(b"odd/folder-then-file", b"17"),
        # Missing parents within the layer.
        file(b"implied/deep/er/file", b"18"),
        # A whiteout before and an opaque marker after what the same layer brings.
        file(b"opt/opaque/.wh..wh..opq"), file(b"opt/opaque/new", b"19"),
        file(b"opt/late/new", b"20"), file(b"opt/late/.wh..wh..opq"),
        file(b".wh.gone"), file(b".wh.removed"), file(b"opt/.wh.never-was"),
        # A folder becomes a file, a file a folder.
        file(b"opt/swap", b"21"), folder(b"opt/plain/"), file(b"opt/plain/in", b"22"),
    ]
    return b"".join(parts) + sparse_files()


def sparse_files() -> bytes:
    """By GNU tar in each of the PAX formats; ends without the last blocks."""
    fragments = []
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch) / "odd"
        top.mkdir()
        for version in ("0.0", "0.1", "1.0"):
            path = top / f"sparse-{version}"
            with path.open("wb") as hole:
                for offset in range(0, 40):
                    hole.seek(offset * 131_072)
                    hole.write(b"data %d of %s\n" % (offset, version.encode()))
                hole.truncate(40 * 131_072 + 70_000)
            os.utime(path, (TIME, TIME))
            arguments = ["tar", "--blocking-factor=1", "--format=pax", f"--sparse-version={version}", "--sparse", "--numeric-owner",
                         "--owner=0", "--group=0", "--mode=0644",
                         "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"]
            made = subprocess.run([*arguments, "-cf", "-", "-C", scratch, f"odd/sparse-{version}"],
                                  check=True, capture_output=True).stdout
            fragments.append(made[:-2 * BLOCK])
    return b"".join(fragments)


def leaning() -> bytes:
    """No entry for any directory on the way: what lies below has to show through."""
    parts = [
        file(b"lib/through-symlink", b"into usr/lib\n"), file(b"tmp/in-sticky", b"23"),
        file(b"home/user/private", b"24", uid=1000, gid=1000),
        header(b"linked-to-lower", b"1", link=b"origin"), header(b"home/user/linked", b"1", link=b"odd/nanoseconds"),
        file(b"usr/lib/.wh.below"), file(b"odd/.wh.fifo"),
    ]
    return b"".join(parts) + b"\0" * 1024


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, content in (("1-base", base()), ("2-odd", odd()), ("3-leaning", leaning())):
        (out / f"{name}.tar").write_bytes(content)


if __name__ == "__main__":
    main()
