#!/usr/bin/env python3
"""Checks that the executable `octet` holds the runtime alone and starts at once.

    check.py --nm NM --readelf READELF --static 1 EXECUTABLE
    check.py --self-test

No OpenCV, JSON, libzip, fmt or libtorch, no streams and locales (their initialisers run before main), no dynamic
initialisers of our own, no shared libraries where the toolchain can link statically.
"""
import argparse
import os
import re
import subprocess
import sys

MOST_BYTES = 16 << 20   # of code and data, without symbols

FORBIDDEN = [
    (r"std::ios_base::Init::Init", "iostream's initialiser"),
    (r"std::locale::locale", "locales"),
    (r"std::basic_ostream<", "streams"),
    (r"std::(__cxx11::)?basic_regex", "regular expressions"),
    (r"\bcv::", "OpenCV"),
    (r"\bnlohmann::", "JSON"),
    (r"\btoml::", "toml++"),
    (r"\bfmt::v\d", "fmt"),
    (r"\bCLI::", "CLI11"),
    (r"\bzip_open", "libzip"),
    (r"\b(torch|c10|at)::", "libtorch"),
]

# Initialisers of libstdc++ itself; every other one would be ours.
KNOWN_INITIALISERS = {"eh_alloc.cc", "system_error.cc", "compatibility.cc", "cow-string-inst.cc"}


def problems_of(symbols):
    """What `nm -C` shows and must not."""
    for pattern, what in FORBIDDEN:
        hit = re.search(r"^.*" + pattern + r".*$", symbols, re.MULTILINE)
        if hit:
            yield f"{what}: {hit.group(0).strip()[:120]}"
    for name in re.findall(r"_GLOBAL__sub_I_(\S+)", symbols):
        if name not in KNOWN_INITIALISERS:
            yield f"a dynamic initialiser: _GLOBAL__sub_I_{name}"


def loaded_bytes(segments):
    """The bytes of the file that `readelf -lW` says are loaded."""
    return sum(int(size, 16) for size in re.findall(r"^\s*LOAD\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)", segments, re.MULTILINE))


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check(arguments):
    symbols = output_of(arguments.nm, "-C", arguments.executable)
    if "octet::" not in symbols:
        sys.exit(f"{arguments.executable} has no symbols to check")
    found = list(problems_of(symbols))
    segments = output_of(arguments.readelf, "-lW", arguments.executable)
    if arguments.static in ("1", "TRUE", "ON") and "INTERP" in segments:
        found.append("it needs a dynamic loader, though the toolchain links statically")
    size = loaded_bytes(segments)
    if not 0 < size <= MOST_BYTES:
        found.append(f"{size} bytes are loaded, more than {MOST_BYTES}")
    for problem in found:
        print(problem)
    print(f"{os.path.basename(arguments.executable)}: {size} bytes loaded, {len(found)} problems")
    return 1 if found else 0


def self_test():
    clean = "0000000000401c10 t _GLOBAL__sub_I_eh_alloc.cc\n0000000000401c80 T octet::version()\n"
    assert not list(problems_of(clean))
    for line in ("0 T std::ios_base::Init::Init()", "0 t cv::imread(std::string const&)", "0 t _GLOBAL__sub_I_session.cc",
                 "0 W nlohmann::basic_json<>::dump()", "0 T std::locale::locale(std::locale const&)"):
        assert len(list(problems_of(clean + line + "\n"))) == 1, line
    assert loaded_bytes("  LOAD  0x000000 0x0400000 0x0400000 0x000100 0x000200 R 0x1000\n") == 256
    print("self test passed")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--readelf", default="readelf")
    parser.add_argument("--static", default="0")
    parser.add_argument("executable", nargs="?")
    given = parser.parse_args()
    sys.exit(self_test() if given.self_test else check(given))
