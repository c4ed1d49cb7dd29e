"""What the programs here share: where the server is, who calls, and checks that end the program."""

import os
import sys
import time

HOST = os.environ["IMC_HOST"]
REGISTRY = os.environ["IMC_REGISTRY"]
KEY = (os.environ["IMC_KEY_ID"], os.environ["IMC_KEY_SECRET"])
READER = (os.environ.get("IMC_READER_ID"), os.environ.get("IMC_READER_SECRET"))
OTHER = (os.environ.get("IMC_OTHER_ID"), os.environ.get("IMC_OTHER_SECRET"))
DISABLED = (os.environ.get("IMC_DISABLED_ID"), os.environ.get("IMC_DISABLED_SECRET"))
IMAGE = f"{REGISTRY}/team/small:1"
SECOND_IMAGE = f"{REGISTRY}/team/small:zstd"
REGION, TENCENT_REGION = "cn-hangzhou", "ap-guangzhou"

checks = 0


def passed(what):
    global checks
    checks += 1
    print(f"ok {checks} - {what}", flush=True)


def failed(what, why):
    print(f"not ok {checks + 1} - {what}\n#   {why}", flush=True)
    sys.exit(1)


def expect(what, wanted, found):
    if wanted == found:
        passed(what)
    else:
        failed(what, f"expected {wanted!r}, found {found!r}")


def expect_true(what, holds, found=None):
    if holds:
        passed(what)
    else:
        failed(what, f"found {found!r}")


def eventually(what, look, seconds=40):
    """Looks until it holds; what it saw last."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            passed(what)
            return seen
        if time.monotonic() > end:
            failed(what, f"not within {seconds} s")
        time.sleep(0.1)


def finished():
    print(f"1..{checks}")
