#!/usr/bin/env python3
"""Checks that every room of the house uses only the rooms below it, and libraries only where they belong.

    check.py SOURCE_DIR      prints each offending #include, exits 1 if there is one
    check.py --self-test     checks the checker
"""
import pathlib
import re
import sys

# Room -> the rooms it may use; through those, what they use. The public headers (octet/) are open to all.
MAY_USE = {
    "base": [],
    "kernels": ["base"],
    "graph": ["base"],
    "ops": ["graph", "kernels"],
    "onnx": ["graph", "ops"],
    "passes": ["graph", "ops"],
    "plan": ["passes"],
    "runtime": ["plan", "onnx"],
    "checkpoint": ["base"],
    "frames": ["base"],
    "tasks": ["frames"],
    "measure": ["runtime", "tasks", "calibrate"],   # calibrate: the Observe nodes of layer-wise comparison
    "calibrate": ["runtime", "frames"],
    "quantize": ["calibrate", "measure", "checkpoint"],
    "train": ["quantize"],
    "report": ["measure", "quantize"],
    "api": ["train", "report"],
    "tools": ["report"],
}

RUNTIME_ROOMS = {"base", "kernels", "graph", "ops", "onnx", "passes", "plan", "runtime"}

# Library headers -> the rooms that may include them. <iostream> brings a static initialiser, <regex> brings seconds of compiling.
LIBRARIES = [
    (r"protozero/", {"onnx"}, "only the ONNX reader and writer know protocol buffers"),
    (r"torch/|ATen/|c10/", {"train"}, "only training uses libtorch"),
    (r"opencv2/", {"frames", "tasks"}, "pictures are the business of frames and tasks"),
    (r"fmt/", {"report", "tools"}, "use base/text.h"),
    (r"zip\.h$", {"checkpoint"}, "archives are the business of checkpoint"),
    (r"CLI/", {"tools"}, "only the command line parses arguments"),
    (r"iostream$|regex$|format$", set(MAY_USE) - RUNTIME_ROOMS - {"tools"}, "it costs every start of the runtime, or g++ 12 lacks it"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def reach(room):
    """The rooms that `room` may include, itself among them."""
    seen, waiting = {room}, [room]
    while waiting:
        for below in MAY_USE[waiting.pop()]:
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return seen


def room_of(path):
    """The room of a file's path relative to the source folder; None for files that are in none."""
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    return "tools" if parts[0] == "tools" else None


def is_test(path):
    return path.stem.endswith(("_test", "_bench")) or path.name == "testing.h"


def problems_of(path, text):
    """(line, include, reason) of every #include in `text` that the room of `path` may not have."""
    room = room_of(path)
    if room is None or is_test(path):
        return
    if room not in MAY_USE:
        yield 0, "", f"there is no room '{room}': add it to MAY_USE in tests/layers/check.py and to the design"
        return
    allowed = reach(room)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, library = match.groups()
        name = quoted or library
        if "/" in name:
            target = name.split("/")[0]
            if target in MAY_USE and target not in allowed:
                yield number, name, f"{room} may not use {target}"
        for pattern, rooms, reason in LIBRARIES:
            if re.match(pattern, name) and room not in rooms:
                yield number, name, reason


def check(source):
    files = [path for folder in ("src", "tools") for path in sorted((source / folder).rglob("*"))
             if path.suffix in (".h", ".cc", ".inc", ".in") and path.is_file()]
    if not files:
        sys.exit(f"{source}: no sources here")
    bad = 0
    for path in files:
        relative = path.relative_to(source)
        for line, include, reason in problems_of(relative, path.read_text(encoding="utf-8", errors="replace")):
            bad += 1
            print(f"{relative}:{line}: {include}: {reason}")
    for folder in sorted((source / "src").iterdir()):
        if folder.is_dir() and folder.name not in MAY_USE:
            bad += 1
            print(f"src/{folder.name}: not a room of the house")
    print(f"{len(files)} files, {bad} problems")
    return 1 if bad else 0


def self_test():
    def found(path, text):
        return [include for _, include, _ in problems_of(pathlib.PurePath(path), text)]

    cases = [
        ("src/base/x.cc", '#include "graph/graph.h"', ["graph/graph.h"]),
        ("src/base/x.cc", "#include <graph/graph.h>", ["graph/graph.h"]),
        ("src/plan/x.cc", '#include "kernels/select.h"\n#include "base/text.h"\n#include "octet/tensor.h"', []),
        ("src/passes/x.cc", '#include "onnx/reader.h"', ["onnx/reader.h"]),
        ("src/passes/x_test.cc", '#include "onnx/reader.h"', []),
        ("src/runtime/x.h", "  #  include <iostream>", ["iostream"]),
        ("src/graph/x.cc", "#include <protozero/pbf_reader.hpp>", ["protozero/pbf_reader.hpp"]),
        ("src/onnx/x.cc", "#include <protozero/pbf_reader.hpp>", []),
        ("tools/x.cc", '#include "runtime/session.h"', []),
        ("src/attic/x.cc", "", [""]),
    ]
    for path, text, wanted in cases:
        assert found(path, text) == wanted, (path, found(path, text), wanted)
    assert "base" in reach("tools") and "tools" not in reach("quantize")
    print("the checker works")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(pathlib.Path(sys.argv[1])))
