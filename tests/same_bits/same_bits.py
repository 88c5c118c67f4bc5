#!/usr/bin/env python3
"""The same bytes at every instruction set level and thread count: runs models at one level with 1, 2 and 4 threads and compares
every output with the reference kernels' on one thread.

    same_bits.py --octet build/release/bin/octet --isa amx MODEL.onnx...
    same_bits.py --octet build/release/bin/octet --isa all MODEL.onnx... [--shape NAME=16x6x160x160]

Without models: the shapes detector, quantized by every method. Standard library only. Ends with 0 when all bytes agree, 1 when some
do not, 77 (skipped) with the reason when this machine lacks the level.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

SHAPES = pathlib.Path(__file__).resolve().parents[2] / "examples/shapes"
LEVELS = ("reference", "avx2", "avxvnni", "avx512vnni", "amx", "neon", "dotprod", "i8mm")
THREADS = (1, 2, 4)
SKIPPED = 77


def call(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def outputs(octet, model, isa, threads, extra, folder):
    """The bytes of every output by name; raises with what octet said."""
    path = os.path.join(folder, "outputs.npz")
    result = call(octet, "run", model, "-o", path, "--isa", isa, "--threads", threads, *extra)
    if result.returncode:
        raise RuntimeError(result.stderr.strip())
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lacks(octet, isa, folder):
    """Why this machine cannot run the level; empty when it can."""
    result = call(octet, "run", SHAPES / "shapes.onnx", "-o", os.path.join(folder, "probe.npz"), "--isa", isa)
    return result.stderr.strip() if "lacks" in result.stderr else ""


def quantized_shapes(octet, folder):
    """The shapes detector quantized by every method."""
    models = []
    for method in ("static", "dynamic", "weight-only"):
        path = os.path.join(folder, f"shapes.{method}.onnx")
        data = ["--data", f"{SHAPES / 'frames/calibrate'}[:4]"] if method == "static" else []
        result = call(octet, "quantize", SHAPES / "shapes.onnx", "-o", path, "--method", method, "--recipe", SHAPES / "recipe.toml", *data)
        if result.returncode:
            raise RuntimeError(result.stderr.strip())
        models.append(path)
    return models


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--octet", required=True)
    parser.add_argument("--isa", required=True, choices=LEVELS + ("all",))
    parser.add_argument("--shape", action="append", default=[])
    options = parser.parse_args()
    extra = [word for shape in options.shape for word in ("--shape", shape)]
    different = compared = 0
    with tempfile.TemporaryDirectory() as folder:
        levels = []
        for isa in LEVELS if options.isa == "all" else (options.isa,):
            reason = lacks(options.octet, isa, folder)
            if reason:
                print(f"skipped {isa}: {reason}")
            else:
                levels.append(isa)
        if not levels:
            return SKIPPED
        for model in options.models or quantized_shapes(options.octet, folder):
            expected = outputs(options.octet, model, "reference", 1, extra, folder)
            for isa in levels:
                for threads in THREADS:
                    actual = outputs(options.octet, model, isa, threads, extra, folder)
                    unlike = [name for name in expected if actual.get(name) != expected[name]]
                    compared += 1
                    different += bool(unlike)
                    state = "DIFFERENT: " + ", ".join(unlike) if unlike else "same bytes"
                    print(f"{os.path.basename(model)} {isa}, {threads} thread{'s' * (threads > 1)}: {state}", flush=True)
    print(f"{compared} runs compared, {different} differ")
    return 1 if different or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
