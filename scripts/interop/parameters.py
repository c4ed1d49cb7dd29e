"""Prints every parameter that Alibaba's SDK can send, as the wire has it, by operation: `N`, `M` and `O` stand for numbers.

    parameters.py OPERATION...

The SDK's classes know their parts by the code that reads them from a map, and by nothing else: that code is read.
"""

import inspect
import re
import sys

from alibabacloud_eci20180808 import models


def parts(cls):
    """The names on the wire of a class's parts, with the class of each that has parts itself, and whether it is a list."""
    reading = inspect.getsource(cls.from_map)
    kinds = dict(re.findall(r"^\s+(\w+): ([^=\n]+) = None", inspect.getsource(cls.__init__), re.MULTILINE))
    lines = r"if m\.get\('(\w+)'\) is not None:(.*?)(?=\n        if |\n        self\.\w+ = \[\]|\n        return)"
    for name, body in re.findall(lines, reading, re.DOTALL):
        inner = re.search(r"temp_model = (\w+)\(\)", body)
        attribute = re.search(r"self\.(\w+)", body).group(1)
        if inner:
            yield name, getattr(models, inner.group(1)), "for k in" in body
        else:
            yield name, None, kinds.get(attribute, "").startswith("List[")


def flattened(cls, before=()):
    """The whole names, their numbers as letters."""
    for name, inner, is_list in parts(cls):
        path = (*before, name) + (("#",) if is_list else ())
        if inner:
            yield from flattened(inner, path)
        else:
            letters = iter("NMO")
            yield ".".join(next(letters) if part == "#" else part for part in path)


for operation in sys.argv[1:]:
    print("##", operation)
    print("\n".join(flattened(getattr(models, operation + "Request"))))
