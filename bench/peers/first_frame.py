#!/usr/bin/env python3
"""How soon the first output comes, from a pack and straight from the .onnx, against ONNX Runtime.

    bench/peers/first_frame.py --build build/release --float-models models int8/*.onnx

Every start is a fresh process with a warm page cache; the contenders take turns, and what counts is the median over the rounds. Octet's time
begins before its process is started and ends with the first output (making random inputs is left out). ONNX Runtime's is the creation of a
session and the first run only, inside a Node process that runs already: neither Node's start nor the loading of the library is held
against it. It opens the same .onnx, a model that it optimized beforehand (optimizedModelFilePath) and that is loaded with optimizations off,
and its own .ort format, where it can write and read that.

The second table holds Octet to its promises: init <= 2 ms + 0.15 ms per MB of pack, first inference <= 1.3 times the median inference,
first frame <= 1.6 times the limit that `octet bench` prints. What is not kept has a !. A float model of the same name (up to the
first dot) in --float-models is measured as well.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

from engines import HARNESS, Engines, Failed, call, table


class Start:
    """One way to the first output; `times` holds a dict of milliseconds for each round."""

    def __init__(self, name, measure):
        self.name, self.measure, self.times, self.error = name, measure, [], ""

    def round(self, keep):
        if self.error:
            return
        try:
            times = self.measure()
            if keep:
                self.times.append(times)
        except Failed as error:
            self.error = str(error)
            print(f"{self.name}: {error}", file=sys.stderr)

    def median(self, key="total"):
        return statistics.median(times[key] for times in self.times) if self.times and not self.error else float("nan")

    def cell(self, key="total"):
        """'12.3 (11.9 to 14.0)'"""
        if not self.times or self.error:
            return "–"
        values = [times[key] for times in self.times]
        return f"{self.median(key):.3g} ({min(values):.3g} to {max(values):.3g})"


FIELDS = ("start", "init", "first", "peak_kb", "read", "threads", "plan", "verify", "init_faults", "first_faults")   # of octet first-frame


def octet_start(engines, path, threads, shapes):
    def measure():
        started = time.monotonic_ns()
        times = dict(zip(FIELDS, map(float, engines.octet("first-frame", path, "--threads", threads, *shapes, "--started", started).split())))
        times["total"] = times["start"] + times["init"] + times["first"]
        return times
    return Start(f"octet {path}", measure)


def peer_start(path, threads, shapes, *options):
    def measure():
        times = json.loads(call("node", HARNESS, "bench", path, "--threads", threads, "--warmup", 0, "--runs", 1, "--json", *shapes, *options))
        return {"init": times["init_ms"], "first": times["first_ms"], "total": times["init_ms"] + times["first_ms"]}
    return Start(f"onnxruntime {path}", measure)


def ratio(theirs, ours):
    value = theirs / ours
    return "–" if value != value else f"{value:.1f} ×"


def kept(value, bound, text):
    return text if value <= bound else text + " !"


def peers_of(model, work, threads, shapes):
    """ONNX Runtime's starts from this model: as it is, optimized beforehand, in its own format."""
    starts = {"onnx": peer_start(model, threads, shapes)}
    for kind, suffix in (("optimized", ".optimized.onnx"), ("ort", ".ort")):
        path = work / (model.name.removesuffix(".onnx") + suffix)
        try:
            if not path.exists() or path.stat().st_mtime < model.stat().st_mtime:
                call("node", HARNESS, "optimize", model, "-o", path)
            starts[kind] = peer_start(path, threads, shapes, "--optimization", "disabled")
        except Failed as error:
            print(f"{model.name}: ONNX Runtime writes no {suffix}: {error}", file=sys.stderr)
    return starts


def compare(engines, model, threads, options, shapes):
    """A row of each table, and everything measured."""
    pack = options.work / (model.name.removesuffix(".onnx") + ".octet")
    engines.octet("pack", model, "-o", pack, *shapes)
    peers = peers_of(model, options.work, threads, shapes)
    ours = {"pack": octet_start(engines, pack, threads, shapes), "onnx": octet_start(engines, model, threads, shapes)}
    if options.float_models:
        original = options.float_models / (model.name.split(".")[0] + ".onnx")
        if original.exists() and original.resolve() != model.resolve():
            ours["float"] = octet_start(engines, original, threads, shapes)
            peers["float"] = peer_start(original, threads, shapes)
    for round_number in range(options.rounds + 1):   # the first brings files into the page cache
        for start in (*ours.values(), *peers.values()):
            start.round(round_number > 0)
    bench = json.loads(engines.octet("bench", pack, "--threads", threads, "--seconds", options.seconds, "--processes", options.rounds, "--json", *shapes))

    mine, best = ours["pack"], min((peers[kind].median() for kind in peers if kind != "float"), key=lambda ms: (ms != ms, ms))
    none = float("nan")
    float_ours, float_theirs = (side["float"].median() if "float" in side else none for side in (ours, peers))
    cell = lambda side, kind: side[kind].cell() if kind in side else "–"
    first = [model.name.split(".")[0], threads, mine.cell(), ours["onnx"].cell(), peers["onnx"].cell(), cell(peers, "optimized"), cell(peers, "ort"),
             ratio(best, mine.median()), ratio(peers["onnx"].median(), ours["onnx"].median()), cell(ours, "float"), cell(peers, "float"),
             ratio(float_theirs, float_ours), ratio(float_theirs, mine.median())]
    megabytes = pack.stat().st_size / 1e6
    bound = 2 + 0.15 * megabytes
    init, inference, total, p50, limit = mine.median("init"), mine.median("first"), mine.median(), bench["p50_ms"], bench["limit_ms"]
    second = [first[0], threads, f"{megabytes:.1f}", f"{mine.median('start'):.2f}", kept(init, bound, f"{init:.2f}"), f"{bound:.2f}", f"{inference:.2f}",
              f"{p50:.2f}", kept(inference, 1.3 * p50, f"{inference / p50:.2f}"), f"{total:.2f}", f"{limit:.2f}",
              kept(total, 1.6 * limit, f"{total / limit:.2f}"), f"{mine.median('peak_kb') / 1024:.0f}"]
    everything = {"model": str(model), "threads": threads, "bench": bench, "pack_bytes": pack.stat().st_size,
                  "octet": {kind: start.times for kind, start in ours.items()}, "onnxruntime": {kind: start.times for kind, start in peers.items()}}
    return first, second, everything


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, help="quantized .onnx files")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/first_frame"), help="folder for packs and for what ONNX Runtime optimized")
    parser.add_argument("--float-models", type=pathlib.Path, help="folder of the float models they were made of")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1, help="for the median inference")
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("--json", type=pathlib.Path, help="write every single time here")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    engines = Engines(options.build)
    shapes = [word for shape in options.shape for word in ("--shape", shape)]
    first_rows, second_rows, everything = [], [], []
    for model in options.models:
        for threads in options.threads:
            first, second, measured = compare(engines, model, threads, options, shapes)
            first_rows.append(first)
            second_rows.append(second)
            everything.append(measured)
            print("  ".join(map(str, first)), "|", "  ".join(map(str, second[2:])), file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))
    print("First output, ms: median (fastest to slowest)\n")
    print(table(first_rows, ["model", "threads", "Octet, pack", "Octet, .onnx", "ONNX Runtime, .onnx", "optimized beforehand", ".ort", "pack sooner than its best by",
                             ".onnx sooner by", "Octet, float .onnx", "ONNX Runtime, float .onnx", "float sooner by", "int8 pack sooner than its float by"]))
    print("\nPacks, medians in ms\n")
    print(table(second_rows, ["model", "threads", "MB", "process start", "init", "2 + 0.15/MB", "first inference", "median inference", "first / median",
                              "first frame", "limit", "first frame / limit", "peak MB"]))


if __name__ == "__main__":
    main()
