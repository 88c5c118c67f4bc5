#!/usr/bin/env python3
"""Model time of Octet beside ONNX Runtime's: one thread, the same inputs' shapes, runs of both alternated, medians.

    bench/speed.py --build build/release MODEL.onnx... [--rounds 3] [--seconds 1] [--bound 2.5] [--shape NAME=1x3x224x224]

Prints a table and, for every model slower than the bound, its slowest steps. Ends with 1 when there is one.
"""
import argparse
import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
from engines import HARNESS, Engines, Failed, call, table  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--bound", type=float, default=2.5)
    parser.add_argument("--shape", action="append", default=[])
    options = parser.parse_args()
    engines = Engines(options.build)
    shapes = [word for shape in options.shape for word in ("--shape", shape)]
    rows, slow = [], []
    for model in options.models:
        try:
            ours, theirs = [], []
            for _ in range(options.rounds):
                ours.append(json.loads(engines.octet("bench", model, "--threads", 1, "--seconds", options.seconds, "--processes", 0, "--json", *shapes))["p50_ms"])
                theirs.append(json.loads(call("node", HARNESS, "bench", model, "--threads", 1, "--seconds", options.seconds, "--runs", 100000, "--json", *shapes))["p50_ms"])
            a, b = statistics.median(ours), statistics.median(theirs)
            rows.append((pathlib.Path(model).name, f"{a:.3f}", f"{b:.3f}", f"{a / b:.2f}", "" if a <= options.bound * b else "SLOW"))
            if a > options.bound * b:
                slow.append(model)
        except Failed as error:
            rows.append((pathlib.Path(model).name, "–", "–", "–", str(error)[:100]))
            slow.append(model)
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows, ("model", "Octet ms", "ONNX Runtime ms", "ratio", "")))
    for model in slow:
        try:
            steps = json.loads(engines.octet("bench", model, "--threads", 1, "--seconds", 0.5, "--processes", 0, "--profile", "--json", *shapes))["steps"]
        except Failed:
            continue
        print(f"\n{pathlib.Path(model).name}, the slowest steps:")
        for step in sorted(steps, key=lambda s: -s["ms"])[:8]:
            print(f"  {step['ms']:8.3f} ms  {step['layer']} ({step['operator']}, {step['kernel']}) {step['output_shape']}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
