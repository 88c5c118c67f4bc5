#!/usr/bin/env python3
"""How much faster Octet is than ONNX Runtime: model times of both, alternated, same threads, same shapes, medians over the rounds.

    bench/models/export.py --out models && bench/peers/ratios.py --build build/release models/*.onnx
    bench/peers/ratios.py --build build/release --isa best avx512vnni --threads 1 2 --shape a=16x6x160x160 --shape b=16x6x160x160 scorenet.onnx

A float model is quantized by Octet first, statically and dynamically, on random frames (kept in --work for the next time). ONNX
Runtime has its best settings and gets the fastest file: static, dynamic or float. A model that is quantized already is timed as it is.
A ratio is ONNX Runtime's p50 / Octet's p50; behind it the lowest and highest of the rounds. With --bound R the exit code is 1 when
Octet takes more than R times as long as ONNX Runtime on the same file, and the slowest steps are printed.
"""
import argparse
import json
import pathlib
import statistics
import sys

from engines import HARNESS, Engines, Failed, call, random_frames, table

FRAMES = 4   # to calibrate on: times do not depend on the values


class Contender:
    """One engine on one file, at one level; `times` are its p50 of each round."""

    def __init__(self, engine, kind, path, isa=""):
        self.engine, self.kind, self.path, self.isa, self.times, self.error = engine, kind, path, isa, [], ""

    def measure(self, engines, threads, options, shapes):
        if self.error:
            return
        try:
            common = ["--threads", threads, "--seconds", options.seconds, "--json", *shapes]
            if self.engine == "octet":
                level = ["--isa", self.isa] if self.isa else []
                output = engines.octet("bench", self.path, "--processes", 0, *common, *level)
            else:
                output = call("node", HARNESS, "bench", self.path, "--runs", 100000, *common)
            self.times.append(json.loads(output)["p50_ms"])
        except Failed as error:
            self.error = str(error)

    @property
    def p50(self):
        return statistics.median(self.times) if self.times and not self.error else float("inf")


def fastest(contenders):
    return min(contenders, key=lambda contender: contender.p50, default=None)


def ratio(theirs, ours):
    """'2.51 (2.40 to 2.62)', or why there is none."""
    if ours is None or theirs is None or float("inf") in (ours.p50, theirs.p50):
        return "–"
    rounds = [b / a for a, b in zip(ours.times, theirs.times)]
    return f"{theirs.p50 / ours.p50:.2f} ({min(rounds):.2f} to {max(rounds):.2f})"


def milliseconds(contender):
    return "–" if contender is None or contender.p50 == float("inf") else f"{contender.p50:.3g}"


def quantized_files(engines, model, work, shapes):
    """{kind: path} of the model and what Octet makes of it; kinds are float, static, dynamic, or given for a quantized model."""
    facts = json.loads(engines.octet("inspect", model, "--json", *shapes))
    if any(layer.get("quantized") for layer in facts.get("layers", [])) or facts.get("quantized_layers", 0) > 0:
        return {"given": model}
    files = {"float": model}
    frames = work / (model.stem + ".frames")
    if not frames.exists():
        wanted = {word.split("=")[0]: [int(extent) for extent in word.split("=")[1].split("x")] for word in shapes[1::2]}
        random_frames(engines.describe(model), frames, FRAMES, {name: [1, *extents[1:]] for name, extents in wanted.items()})
    for kind in ("static", "dynamic"):
        path = work / f"{model.stem}.{kind}.onnx"
        try:
            if not path.exists() or path.stat().st_mtime < model.stat().st_mtime:
                engines.octet("quantize", model, "-o", path, "--method", kind, *(["--data", frames] if kind == "static" else []))
            files[kind] = path
        except Failed as error:
            print(f"{model.name}, {kind}: {error}", file=sys.stderr)
    return files


def compare(engines, model, files, threads, options, shapes):
    """The table's row and every contender."""
    ours = [Contender("octet", kind, path, "" if isa == "best" else isa) for kind, path in files.items() for isa in options.isa]
    theirs = [Contender("onnxruntime", kind, path) for kind, path in files.items()]
    for _ in range(options.rounds):
        for contender in theirs + ours:
            contender.measure(engines, threads, options, shapes)
    for contender in theirs + ours:
        if contender.error:
            print(f"{model.name} {contender.kind} by {contender.engine} {contender.isa}: {contender.error}", file=sys.stderr)
    if "given" in files:
        row = [model.stem, threads, "–", "–", "–"]
        kinds = ("given",)
    else:
        float_ours, float_theirs = fastest([c for c in ours if c.kind == "float"]), fastest([c for c in theirs if c.kind == "float"])
        row = [model.stem, threads, milliseconds(float_ours), milliseconds(float_theirs), ratio(float_theirs, float_ours)]
        kinds = ("static", "dynamic")
    best_theirs = fastest(theirs)
    row += [f"{milliseconds(best_theirs)} {best_theirs.kind}"]
    for isa in options.isa:
        mine = fastest([c for c in ours if c.kind in kinds and c.isa == ("" if isa == "best" else isa)])
        row += [milliseconds(mine), ratio(best_theirs, mine)]
    dynamic_ours, dynamic_theirs = fastest([c for c in ours if c.kind == "dynamic"]), fastest([c for c in theirs if c.kind == "dynamic"])
    row += [milliseconds(dynamic_ours), ratio(dynamic_theirs, dynamic_ours)]
    return row, ours, theirs


def slowest_steps(engines, contender, threads, shapes):
    level = ["--isa", contender.isa] if contender.isa else []
    steps = json.loads(engines.octet("bench", contender.path, "--processes", 0, "--threads", threads, "--seconds", 0.5, "--profile", "--json", *shapes, *level))["steps"]
    for step in sorted(steps, key=lambda step: -step["ms"])[:8]:
        print(f"  {step['ms']:8.3f} ms  {step['layer']} ({step['operator']}, {step['kernel']}) {step['output_shape']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/ratios"), help="folder for quantized files and frames")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--isa", nargs="+", default=["best"], help="levels of Octet; best: what the machine has")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("--bound", type=float)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    engines = Engines(options.build)
    shapes = [word for shape in options.shape for word in ("--shape", shape)]
    header = ["model", "threads", "Octet float ms", "ONNX Runtime float ms", "ratio", "ONNX Runtime's best ms"]
    for isa in options.isa:
        header += [f"Octet int8 {isa} ms", "ratio"]
    header += ["Octet dynamic ms", "against its dynamic"]
    rows, slow = [], []
    for model in options.models:
        files = quantized_files(engines, model, options.work, shapes)
        for threads in options.threads:
            row, ours, theirs = compare(engines, model, files, threads, options, shapes)
            rows.append(row)
            print("  ".join(str(cell) for cell in row), file=sys.stderr, flush=True)
            for mine in ours:
                peer = next(c for c in theirs if c.kind == mine.kind)
                if options.bound and not mine.isa and mine.p50 > options.bound * peer.p50:
                    slow.append((mine, threads, peer.p50))
    print(table(rows, header))
    for mine, threads, peer in slow:
        print(f"\n{mine.path.name}, {threads} threads: {mine.p50:.3g} ms against {peer:.3g} ms; its slowest steps:")
        if not mine.error:
            slowest_steps(engines, mine, threads, shapes)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
