#!/usr/bin/env python3
"""What quantizing costs: every labelled model of OCTET_SHARED, float and int8, by Octet and by ONNX Runtime on the same files and frames.

    bench/accuracy.py --build build/release [--only NAME...] [--methods "as it comes" minmax mse "mse, corrected" dynamic weight-only] [--frames N] [--results FILE]

Frames to calibrate with are apart from those scored. Outputs of both engines go through the same decoder and metric. Each written file is
checked by onnx.checker (up to opset 17) and opened and run by ONNX Runtime. --results keeps what was measured, one JSON object per line; with
--print the tables are made from it without measuring anything.
"""
import argparse
import collections
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
from agree import as_sets, load, sqnr as least_sqnr  # noqa: E402
from engines import COCO, FACES, GESTURES, RECIPES, SHARED, Engines, Failed, table  # noqa: E402

MNIST = "mnist/t10k-images-idx3-ubyte.gz"
MNIST_LABELS = "mnist/t10k-labels-idx1-ubyte.gz"
CIFAR = "cifar10_jpg2000/images"
IMAGENET = "imagenet500/images"
PCB = "pcb_patches/deeppcb_test_patches.npz"
TRAIN = "coco_train48/images"

# calibration and calibration_labels may be the same pictures' boxes (simplepose cuts persons out by them).
Case = collections.namedtuple("Case", "model recipe calibration data labels metric calibration_labels", defaults=("",))
CASES = [
    Case("mobilenetv2_imagenet", "mobilenetv2_imagenet224", f"{IMAGENET}[:100]", f"{IMAGENET}[100:]", "imagenet500/labels.csv", "top1"),
    Case("resnet20_cifar10", "resnet20_cifar10", f"{CIFAR}[:200]", f"{CIFAR}[200:]", "cifar10_jpg2000/labels.csv", "top1"),
    Case("tinycnn_cifar10", "tinycnn_cifar10", f"{CIFAR}[:200]", f"{CIFAR}[200:]", "cifar10_jpg2000/labels.csv", "top1"),
    Case("neu_steel_a", "neu_steel_a", "neu_steel180/calib", "neu_steel180/images", "neu_steel180/labels.csv", "top1"),
    Case("neu_steel_b", "neu_steel_b", "neu_steel180/calib", "neu_steel180/images", "neu_steel180/labels.csv", "top1"),
    Case("pcb_simple", "pcb", f"{PCB}[:200]", f"{PCB}[200:]", "", "top1"),
    Case("vit_mnist", "vit_mnist", f"{MNIST}[:200]", f"{MNIST}[200:2200]", MNIST_LABELS, "top1"),
    Case("mnist_cnn", "mnist_cnn", f"{MNIST}[:200]", f"{MNIST}[200:2200]", MNIST_LABELS, "top1"),
    Case("yolox_nano", "yolox_nano", TRAIN, *COCO, "AP"),
    Case("fastestdet", "fastestdet", TRAIN, *COCO, "AP50"),
    Case("deimv2_atto", "deimv2_atto", TRAIN, *COCO, "AP"),
    Case("ultraface_rfb320", "ultraface_rfb320", TRAIN, *FACES, "AP30"),
    Case("yunet_320", "yunet_320", TRAIN, *FACES, "AP30"),
    Case("simplepose", "simplepose", TRAIN, "coco_val100/images", "coco_val100/person_keypoints.json", "OKS", "coco_train48/labels"),
    Case("turbofan_lstm", "turbofan_lstm", "turbofan/fd001_train_windows_x.npy[:500]", "turbofan/fd001_test_last30_x.npy", "turbofan/fd001_test_rul_y.npy", "RMSE"),
    Case("gesture_lstm", "gesture_lstm", f"{GESTURES[0]}[:200]", f"{GESTURES[0]}[200:]", "", "top1"),
]
# Options of octet quantize. What is static is calibrated.
PLAIN = ["--family", "none", "--method", "static", "--bias-correction", "none", "--calibrator"]
CORRECTED = ["--family", "none", "--method", "static", "--bias-correction", "auto", "--calibrator"]
METHODS = {
    "as it comes": [],   # nothing said: the recipe of the model's family
    "minmax": [*PLAIN, "minmax"],
    "moving-average": [*PLAIN, "moving-average"],
    "percentile": [*PLAIN, "percentile"],
    "entropy": [*PLAIN, "entropy"],
    "mse": [*PLAIN, "mse"],
    "mse, equalized": [*PLAIN, "mse", "--equalize"],
    "mse, corrected": [*CORRECTED, "mse"],   # the defaults of models without a family
    "minmax, corrected": [*CORRECTED, "minmax"],
    "mse, equalized, corrected": [*CORRECTED, "mse", "--equalize"],
    "dynamic": ["--method", "dynamic"],
    "weight-only": ["--method", "weight-only"],
    "weight-only, 4 bits": ["--method", "weight-only", "--bits", "4"],
    "mse, adaround": [*CORRECTED, "mse", "--rounding", "adaround"],
    "mse, equalized, adaround": [*CORRECTED, "mse", "--equalize", "--rounding", "adaround"],
    "weight-only, adaround": ["--method", "weight-only", "--rounding", "adaround"],
    "weight-only, 4 bits, adaround": ["--method", "weight-only", "--bits", "4", "--rounding", "adaround"],
}
CHECKER_OPSET = 17   # what the checker of the onnx package at hand knows


def sqnr(reference, other):
    """Of the output that fares worst, over all frames; dB, None when equal."""
    _, decibel = least_sqnr(load(other), load(reference))
    return round(float(decibel), 1) if np.isfinite(decibel) else None


def check_file(path):
    model = onnx.load(str(path))
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset <= CHECKER_OPSET:
        onnx.checker.check_model(model, full_check=True)
    return opset


def measure(engines, case, methods, frames, work, keep):
    path = SHARED / "models" / f"{case.model}.onnx"
    recipe = RECIPES / f"{case.recipe}.toml"
    data = SHARED / "data" / case.data
    labels = SHARED / "data" / case.labels if case.labels else ""
    engines.inputs(path, data, recipe, frames, work / "frames", labels)
    engines.run_octet(path, work / "frames", work / "float_octet")
    engines.run_ort(path, work / "frames", work / "float_ort")
    folders = {"float_octet": work / "float_octet", "float_ort": work / "float_ort"}
    notes = {}
    for name in methods:
        out = (keep or work) / f"{case.model}.{name.replace(', ', '-').replace(' ', '-')}.onnx"
        words = ["quantize", path, "-o", out, *METHODS[name], "--recipe", recipe, "--threads", engines.threads, "--json"]
        if "static" in METHODS[name] or "adaround" in METHODS[name] or not METHODS[name]:
            words += ["--data", SHARED / "data" / case.calibration]
            if case.calibration_labels:
                words += ["--labels", SHARED / "data" / case.calibration_labels]
        note = notes.setdefault(name, {})
        try:
            summary = json.loads(engines.octet(*words))
            note["bytes"] = [summary["bytes_before"], summary["bytes_after"]]
            note["covered"] = summary["macs_covered"]
            note["family"] = summary["family"]["name"]
            note["opset"] = check_file(out)
            engines.run_octet(out, work / "frames", work / f"{name}_octet")
            folders[f"{name}_octet"] = work / f"{name}_octet"
            note["sqnr"] = sqnr(work / "float_octet", work / f"{name}_octet")
            engines.run_ort(out, work / "frames", work / f"{name}_ort")
            folders[f"{name}_ort"] = work / f"{name}_ort"
            note["engines_sqnr"] = sqnr(work / f"{name}_ort", work / f"{name}_octet")
        except Exception as error:   # the table says what failed; the other models go on
            note["error"] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    scores = engines.score(path, data, recipe, list(folders.values()), frames, labels)
    by_name = dict(zip(folders, scores))
    for name in methods:
        result = {"model": case.model, "method": name, "metric": case.metric, "fraction": scores[0]["fraction"], "frames": scores[0]["frames"], **notes[name]}
        for engine in ("octet", "ort"):
            result[f"float_{engine}"] = by_name[f"float_{engine}"]["values"][case.metric]
            if f"{name}_{engine}" in by_name:
                result[f"int8_{engine}"] = by_name[f"{name}_{engine}"]["values"][case.metric]
                result[f"agreement_{engine}"] = by_name[f"{name}_{engine}"]["agreement"]
        yield result


def show(results):
    rows = []
    for r in results:
        percent = lambda key: "–" if key not in r else f"{100 * r[key]:.1f}" if r["fraction"] else f"{r[key]:.2f}"
        drop = "–"
        if "int8_octet" in r:
            drop = f"{100 * (r['float_octet'] - r['int8_octet']):+.1f}" if r["fraction"] else f"{r['int8_octet'] - r['float_octet']:+.2f}"
        size = f"{r['bytes'][0] / 1e3:.0f} → {r['bytes'][1] / 1e3:.0f}" if "bytes" in r else "–"
        number = lambda key: "–" if key not in r else "equal" if r[key] is None else f"{r[key]:.1f}"
        rows.append((r["model"], f"{r['metric']} ({r['frames']})", r["method"], percent("float_octet"), percent("float_ort"), percent("int8_octet"), percent("int8_ort"),
                     drop, number("sqnr"), number("engines_sqnr"), size + (f" ({r['error']})" if "error" in r else "")))
    return table(rows, ("model", "metric (frames)", "method", "float Octet", "float ORT", "int8 Octet", "int8 ORT", "drop", "SQNR dB", "Octet–ORT dB", "kB"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--methods", nargs="*", default=["as it comes", "minmax", "mse", "mse, corrected", "dynamic", "weight-only"], choices=list(METHODS))
    parser.add_argument("--frames", type=int, default=0, help="score on at most so many frames")
    parser.add_argument("--results", default="", help="file to add results to")
    parser.add_argument("--print", action="store_true", dest="only_print")
    parser.add_argument("--keep", default="", help="leave the quantized models here")
    options = parser.parse_args()
    results = []
    if options.only_print:
        latest = {}
        for line in open(options.results, encoding="utf8"):
            r = json.loads(line)
            latest[(r["model"], r["method"])] = r
        order = [case.model for case in CASES]
        results = sorted(latest.values(), key=lambda r: (list(METHODS).index(r["method"]) if r["method"] in METHODS else 9, order.index(r["model"])))
        results.sort(key=lambda r: order.index(r["model"]))
        print(show(results))
        return 0
    engines = Engines(options.build)
    keep = pathlib.Path(options.keep) if options.keep else None
    failed = 0
    for case in CASES:
        if options.only and case.model not in options.only:
            continue
        work = pathlib.Path(tempfile.mkdtemp())
        try:
            for result in measure(engines, case, options.methods, options.frames, work, keep):
                failed += "error" in result
                results.append(result)
                print(json.dumps(result), file=sys.stderr, flush=True)
                if options.results:
                    with open(options.results, "a", encoding="utf8") as file:
                        file.write(json.dumps(result) + "\n")
        except Failed as error:
            failed += 1
            print(f"{case.model}: {error}", file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(work)
    print(show(results))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
