#!/usr/bin/env python3
"""Writes the layers of the small image: busybox, an application, a change.

    small.py FOLDER      -> FOLDER/{1-busybox,2-app,3-change}.tar
"""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
TIME = 1_700_000_000
APP = """#!/bin/sh
# Says who and where it is, then what it was given.
echo "user=$(id -u):$(id -g) groups=$(id -G) pwd=$(pwd) greeting=$GREETING args=$*"
case "$1" in
wait) trap 'echo stopped by USR1; exit 7' USR1; echo ready; while :; do sleep 0.05; done ;;
exit) exit "$2" ;;
esac
"""


class Layer:
    def __init__(self, path: Path):
        self.tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)

    def add(self, name: str, kind=tarfile.REGTYPE, content=b"", mode=0o644, owner=0, link="") -> None:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode, info.uid, info.gid = kind, len(content), mode, owner, owner
        info.mtime, info.linkname = TIME, link
        self.tar.addfile(info, io.BytesIO(content))

    def folder(self, name: str, mode=0o755, owner=0) -> None:
        self.add(name, tarfile.DIRTYPE, mode=mode, owner=owner)

    def close(self) -> None:
        self.tar.close()


def busybox_layer(path: Path) -> None:
    layer = Layer(path)
    for name in ("bin", "etc", "home", "proc", "root", "sys", "dev", "usr", "usr/bin", "var"):
        layer.folder(name)
    layer.folder("tmp", mode=0o1777)
    layer.add("bin/busybox", content=BUSYBOX.read_bytes(), mode=0o755)
    applets = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            layer.add(f"bin/{applet}", tarfile.SYMTYPE, mode=0o777, link="busybox")
    layer.add("etc/passwd", content=b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n")
    layer.add("etc/group", content=b"root:x:0:\napp:x:1000:\nextra:x:2000:app\n")
    layer.add("etc/motd", content=b"of the first layer\n")
    layer.close()


def app_layer(path: Path) -> None:
    layer = Layer(path)
    layer.folder("home/app", owner=1000)
    layer.folder("usr/local")
    layer.folder("usr/local/bin")
    layer.add("usr/local/bin/app", content=APP.encode(), mode=0o755)
    layer.add("etc/obsolete", content=b"to be removed\n")
    layer.close()


def change_layer(path: Path) -> None:
    layer = Layer(path)
    layer.folder("etc")
    layer.add("etc/motd", content=b"of the third layer\n")
    layer.add("etc/.wh.obsolete")
    layer.close()


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    busybox_layer(out / "1-busybox.tar")
    app_layer(out / "2-app.tar")
    change_layer(out / "3-change.tar")


if __name__ == "__main__":
    main()
