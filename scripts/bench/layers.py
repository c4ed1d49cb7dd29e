#!/usr/bin/env python3
"""The layers of an OCI layout, for the benchmark.

    layers.py LAYOUT                  the files of the compressed layers, a line each
    layers.py --unpacked-mb LAYOUT    the length of all tars together, in MB
"""

import json
import subprocess
import sys
from pathlib import Path


def main() -> None:
    layout = Path(sys.argv[-1])

    def document(descriptor: dict) -> dict:
        return json.loads(blob(descriptor).read_text())

    def blob(descriptor: dict) -> Path:
        return layout / "blobs" / descriptor["digest"].replace(":", "/")

    index = json.loads((layout / "index.json").read_text())
    layers = [blob(layer) for layer in document(index["manifests"][0])["layers"]]
    if sys.argv[1] != "--unpacked-mb":
        print("\n".join(map(str, layers)))
        return
    total = 0
    for layer in layers:
        counted = subprocess.run(f"gzip -dc '{layer}' | wc -c", shell=True, check=True, capture_output=True)
        total += int(counted.stdout)
    print(total // 1_000_000)


if __name__ == "__main__":
    main()
