#!/usr/bin/env python3
"""Does Octet compute what ONNX Runtime computes? Every model of OCTET_SHARED/models, on real frames.

    bench/peers/agree.py --build build/release [--work DIR] [--only NAME...] [--markdown]

Float models: per output max|a−b| ≤ 1e-4 · max|b| (rows that top-k sorts are compared as sets). Quantized models: signal to noise between the
two engines ≥ 35 dB and the same answer on ≥ 99 % of the frames; and each integer operator alone, fed what ONNX Runtime computed
(all optimizations off, so that it runs the nodes as written): ≥ 99.9 % equal, none off by more than 1. Ends with 1 when something disagrees.
Needs NumPy, the Python package onnx, Node and `npm ci --ignore-scripts` in this folder.
"""
import argparse
import collections
import pathlib
import sys
import tempfile

import numpy as np
import onnx

import cut as cutting
from engines import (CIFAR, COCO, FACES, GESTURES, IMAGENET, MNIST, NEU, PCB, RECIPES, SHARED, TURBOFAN, Engines, Failed, random_frames, table)

Case = collections.namedtuple("Case", "model recipe data frames quantized shapes note", defaults=(None, None, 4, False, None, ""))
CASES = [
    Case("resnet20_cifar10", "resnet20_cifar10", CIFAR, 100),
    Case("mobilenetv2_imagenet", "mobilenetv2_imagenet224", IMAGENET, 100),
    Case("tinycnn_cifar10", "tinycnn_cifar10", CIFAR, 100),
    Case("neu_steel_a", "neu_steel_a", NEU, 100),
    Case("neu_steel_b", "neu_steel_b", NEU, 100),
    Case("pcb_simple", "pcb", PCB, 100),
    Case("yolox_nano", "yolox_nano", COCO, 102),
    Case("fastestdet", "fastestdet", COCO, 102),
    Case("deimv2_atto", "deimv2_atto", COCO, 102),
    Case("ultraface_rfb320", "ultraface_rfb320", FACES, 51),
    Case("yunet_320", "yunet_320", FACES, 51),
    Case("yunet_dynamic", "yunet_dynamic", FACES, 3),
    Case("simplepose", "simplepose", ("coco_val100/images", "coco_val100/person_keypoints.json"), 60),
    Case("turbofan_lstm", "turbofan_lstm", TURBOFAN, 100),
    Case("gesture_lstm", "gesture_lstm", GESTURES, 100),
    Case("vit_mnist", "vit_mnist", MNIST, 100),
    Case("mnist_cnn", "mnist_cnn", MNIST, 100),
    Case("lstr_lanes", "lstr_lanes", COCO, 3),
    Case("dtln_1"), Case("dtln_2"),
    Case("ort_bert_toy"),
    Case("byte_sb_bidi_lstm"),
    Case("mobilenetv2_imagenet.dynamic_int8", "mobilenetv2_imagenet224", IMAGENET, 100, True),
    Case("mobilenetv2_imagenet.qdq_int8", "mobilenetv2_imagenet224", IMAGENET, 100, True),
    Case("tinycnn_cifar10.qoperator_int8", "tinycnn_cifar10", CIFAR, 300, True),
    Case("neu_steel_a.qdq_int8", "neu_steel_a", NEU, 180, True),
    Case("neu_steel_b.qoperator_int8", "neu_steel_b", NEU, 180, True),
    Case("pcb_simple.qdq_int8", "pcb", PCB, 300, True),
    Case("pcb_mobilenetv2.qdq_int8", "pcb", PCB, 300, True),
    Case("deimv2_atto.dynamic_int8", "deimv2_atto", COCO, 102, True),
    Case("ort_qattention_u8s8", quantized=True, shapes={"past": [2, 1, 12, 32, 64]}),
    Case("ort_qdq_multi_consumer", quantized=True),
    Case("ort_qdq_reshape", quantized=True),
    Case("qlstm_3-2-3_T3_S1", quantized=True, shapes={"input": [3, 3]}),
    Case("qtdnn_10x5_101_i32_biases", quantized=True, shapes={"input": [101, 10]}),
]
SURE = 0.3   # a detection with this score is one
FLOAT_BOUND, SQNR_BOUND, AGREEMENT_BOUND, EQUAL_BOUND = 1e-4, 35.0, 0.99, 0.999


def load(folder):
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as arrays:
            yield {name: arrays[name] for name in arrays.files}


def is_ranked(outputs):
    """Detections that the model itself sorts by score: a tiny difference may change their order, and which is the last to stay."""
    return {"labels", "boxes", "scores"} <= set(outputs)


def as_sets(ours, theirs):
    """Puts ours in the order of theirs: each row with the nearest row of the same label."""
    if not is_ranked(ours):
        return ours
    rows = lambda r: np.concatenate([1e3 * r["labels"].reshape(-1, 1), r["boxes"].reshape(-1, 4), 100 * r["scores"].reshape(-1, 1)], axis=1).astype(np.float64)
    a, b = rows(ours), rows(theirs)
    order, free = np.zeros(len(b), dtype=int), np.ones(len(a), dtype=bool)
    for i, row in enumerate(b):
        distance = np.abs(a - row).max(axis=1)
        distance[~free] = np.inf
        order[i] = int(distance.argmin())
        free[order[i]] = False
    result = dict(ours)
    for name in ("labels", "boxes", "scores"):
        flat = ours[name].reshape(len(a), -1)
        result[name] = flat[order].reshape(ours[name].shape)
    return result


def without_the_last(ours, theirs):
    """Leaves out rows whose scores equal the lowest one on both sides: which of the equal ones are the last to stay is chance."""
    if not is_ranked(theirs):
        return ours, theirs
    scores = [outputs["scores"].reshape(-1) for outputs in (ours, theirs)]
    stays = np.logical_or(*(s > s.min() + FLOAT_BOUND * np.abs(s).max() for s in scores))
    return tuple({name: value.reshape(len(stays), -1)[stays] if name in ("labels", "boxes", "scores") else value
                  for name, value in outputs.items()} for outputs in (ours, theirs))


def compare_floats(ours, theirs):
    """The worst output: its name and max|a−b| / max|b|, both over all frames."""
    largest, difference = collections.Counter(), collections.Counter()
    for a, b in zip(ours, theirs):
        if set(a) != set(b):
            raise Failed(f"different outputs: {sorted(a)} and {sorted(b)}")
        a, b = without_the_last(as_sets(a, b), b)
        for name in b:
            x, y = a[name].astype(np.float64), b[name].astype(np.float64)
            if x.shape != y.shape:
                raise Failed(f"{name}: shapes {x.shape} and {y.shape}")
            if np.isnan(x).any() or np.isnan(y).any():
                raise Failed(f"{name}: NaN in {'both' if np.isnan(x).any() and np.isnan(y).any() else 'one'}")
            if x.size:
                largest[name] = max(largest[name], np.abs(y).max())
                difference[name] = max(difference[name], np.abs(x - y).max())
    relative = {name: difference[name] / max(largest[name], 1e-30) for name in largest}
    worst = max(relative, key=relative.get)
    return worst, relative[worst]


def sqnr(ours, theirs):
    """By output, over all frames, in dB; the least one."""
    signal, noise = collections.Counter(), collections.Counter()
    for a, b in zip(ours, theirs):
        a = as_sets(a, b)
        sure = b["scores"].reshape(-1) >= SURE if is_ranked(b) else None   # the rest of a ranking is noise on both sides
        for name in b:
            x, y = a[name].astype(np.float64), b[name].astype(np.float64)
            if sure is not None:
                x, y = (v.reshape(len(sure), -1)[sure] for v in (x, y))
            signal[name] += float((y * y).sum())
            noise[name] += float(((x - y) ** 2).sum())
    least = min(signal, key=lambda name: signal[name] / max(noise[name], 1e-300))
    return least, (np.inf if noise[least] == 0 else 10 * np.log10(signal[least] / noise[least]))


def nudge(frames, folder):
    folder.mkdir()
    rng = np.random.default_rng(1)
    for file in sorted(frames.glob("*.npz")):
        with np.load(file) as arrays:
            nudged = {name: (arrays[name] * (1 + rng.uniform(-1, 1, arrays[name].shape) * 2.0**-22)).astype(np.float32)
                      if arrays[name].dtype == np.float32 else arrays[name] for name in arrays.files}
        np.savez(folder / file.name, **nudged)


def compare_operators(engines, path, frames, work, count):
    """Each integer operator alone. Returns {operator: [values, equal, worst]}."""
    model = onnx.load(str(path))
    borders = cutting.quantized_borders(model)
    if not borders:
        return {}
    (work / "borders.txt").write_text("\n".join(borders))
    few = work / "few"
    few.mkdir()
    for file in sorted(frames.glob("*.npz"))[:count]:
        (few / file.name).symlink_to(file)
    engines.run_ort(path, few, work / "inner", "--all-values", f"@{work}/borders.txt", "--optimization", "disabled")
    inner = list(load(work / "inner"))
    pieces, feeds, outputs = cutting.cut(model, inner[0])
    onnx.save(pieces, str(work / "pieces.onnx"))
    (work / "fed").mkdir()
    for i, (values, inputs) in enumerate(zip(inner, load(few))):
        fed = {name: values[source] for name, source in feeds.items()}
        fed.update({v.name: inputs[v.name] for v in pieces.graph.input if v.name in inputs})
        np.savez(work / "fed" / f"{i:06d}.npz", **fed)
    engines.run_octet(work / "pieces.onnx", work / "fed", work / "ours")
    found = {}
    for values, ours in zip(inner, load(work / "ours")):
        for name, operator in outputs.items():
            a, b = ours[name], values[name]
            entry = found.setdefault(operator, [0, 0, 0.0, ""])
            if a.shape != b.shape:
                raise Failed(f"{name}: shapes {a.shape} and {b.shape}")
            x, y = a.astype(np.float64), b.astype(np.float64)
            if np.issubdtype(b.dtype, np.floating):   # scales and float results: relative to the largest
                difference = np.abs(x - y) / max(np.abs(y).max(), 1e-30) / FLOAT_BOUND
                equal = difference <= 1
                difference = np.where(equal, 0, 2)
            else:
                difference = np.abs(x - y)
                equal = difference == 0
            entry[0] += x.size
            entry[1] += int(equal.sum())
            if x.size and difference.max() > entry[2]:
                entry[2], entry[3] = float(difference.max()), name
    return found


def prepare(engines, case, path, frames):
    if case.data:
        engines.inputs(path, SHARED / "data" / case.data[0], RECIPES / f"{case.recipe}.toml", case.frames, frames)
    else:
        random_frames(engines.describe(path), frames, case.frames, case.shapes)


def check(engines, case, work, row):
    path = SHARED / "models" / f"{case.model}.onnx"
    frames = work / "frames"
    prepare(engines, case, path, frames)
    count = len(list(frames.glob("*.npz")))
    engines.run_octet(path, frames, work / "octet")
    engines.run_ort(path, frames, work / "ort")
    if not case.quantized:
        name, worst = compare_floats(load(work / "octet"), load(work / "ort"))
        return row(f"outputs, {count} frames", f"{worst:.1e} ({name})", worst <= FLOAT_BOUND)
    # The operators first: they tell whether a difference of the whole is an error or rounding that travelled.
    for operator, (values, equal, worst, where) in sorted(compare_operators(engines, path, frames, work, 3).items()):
        row(f"{operator} alone, {values} values", f"{100 * equal / max(values, 1):.3f} % equal, off by ≤ {worst:g}" + (f" ({where})" if worst > 1 else ""),
            equal >= EQUAL_BOUND * values and worst <= 1)
    engines.run_ort(path, frames, work / "ort_disabled", "--optimization", "disabled")
    # How far ONNX Runtime is from itself says what is to be expected: where later layers magnify a value rounded to the other
    # side, its fused and unfused kernels differ, and so do its answers when the inputs change by a few units in their last place.
    _, itself = sqnr(load(work / "ort"), load(work / "ort_disabled"))
    if itself >= SQNR_BOUND and sqnr(load(work / "octet"), load(work / "ort"))[1] < SQNR_BOUND:
        nudge(frames, work / "nudged")
        engines.run_ort(path, work / "nudged", work / "ort_nudged")
        itself = min(itself, sqnr(load(work / "ort_nudged"), load(work / "ort"))[1])
    for level, folder in (("all", work / "ort"), ("no", work / "ort_disabled")):
        name, decibel = sqnr(load(work / "octet"), load(folder))
        fine = decibel >= min(SQNR_BOUND, itself - 1)
        text = f"{decibel:.1f} dB ({name})" if np.isfinite(decibel) else "equal"
        if itself < SQNR_BOUND:
            text += f"; ONNX Runtime from itself {itself:.1f} dB"
        if case.data:
            scores = engines.score(path, SHARED / "data" / case.data[0], RECIPES / f"{case.recipe}.toml", [folder, work / "octet"], case.frames)
            text += f", {100 * scores[1]['agreement']:.1f} % same answers"
            fine = fine and scores[1]["agreement"] >= AGREEMENT_BOUND
        row(f"whole, {count} frames, ONNX Runtime with {level} optimizations", text, fine)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--work", help="keep frames and outputs here")
    parser.add_argument("--only", nargs="*", help="models to check")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    engines = Engines(options.build)
    rows, failed = [], 0
    for case in CASES:
        if options.only and case.model not in options.only:
            continue

        def row(what, result, passed):
            nonlocal failed
            passed = None if passed is None else bool(passed)   # comparisons of NumPy numbers give a type of its own
            failed += passed is False
            verdict = {True: "pass", False: "FAIL", None: ""}[passed]
            rows.append((case.model, what, result, verdict))
            if not options.markdown:
                print(f"{case.model:36s} {what:62s} {result:48s} {verdict}", flush=True)

        with tempfile.TemporaryDirectory() as scratch:
            work = pathlib.Path(options.work or scratch) / case.model
            work.mkdir(parents=True, exist_ok=True)
            try:
                check(engines, case, work, row)
            except (Failed, FileNotFoundError, KeyError, ValueError) as error:
                row("runs", f"{type(error).__name__}: {error}", False)
    if options.markdown:
        print(table(rows, ("model", "what", "result", "")))
    print(f"{len(rows)} checks, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
