"""Octet and ONNX Runtime behind one face, and what the models of the benchmarks are fed with."""
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("OCTET_SHARED", SOURCE.parent / "shared"))
HARNESS = SOURCE / "bench/peers/ort_run.mjs"
RECIPES = SOURCE / "bench/recipes"

COCO = ("coco_val100/images", "coco_val100/instances.json")
FACES = ("coco_faces51/images", "coco_faces51/faces.json")
MNIST = ("mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz")
IMAGENET = ("imagenet500/images", "imagenet500/labels.csv")
CIFAR = ("cifar10_jpg2000/images", "cifar10_jpg2000/labels.csv")
NEU = ("neu_steel180/images", "neu_steel180/labels.csv")
PCB = ("pcb_patches/deeppcb_test_patches.npz", "")
TURBOFAN = ("turbofan/fd001_test_last30_x.npy", "turbofan/fd001_test_rul_y.npy")
GESTURES = ("hand_gesture/point_history.csv", "")


class Failed(Exception):
    pass


def call(*command, cwd=None):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=cwd)
    if result.returncode:
        raise Failed((result.stderr.strip() or result.stdout.strip() or f"exit {result.returncode}").splitlines()[-1][:400])
    return result.stdout


class Engines:
    """`build`: the build tree with the command line and octet_frames (cmake --build BUILD --target octet_frames)."""

    def __init__(self, build, threads=1):
        self.build = pathlib.Path(build)
        self.frames_tool = self.build / "bench/peers/octet_frames"
        self.threads = threads

    def octet(self, *words):
        """The toolkit's command line, as a user calls it."""
        return call(self.build / "bin/octet", *words)

    def inputs(self, model, data, recipe, count, out, labels=""):
        words = ["inputs", model, "--data", data, "--out", out]
        if recipe:
            words += ["--recipe", recipe]
        if count:
            words += ["--frames", count]
        if labels:
            words += ["--labels", labels]
        call(self.frames_tool, *words)

    def run_octet(self, model, frames, out):
        call(self.frames_tool, "run", model, frames, out, "--threads", self.threads)

    def run_ort(self, model, frames, out, *options):
        call("node", HARNESS, "run", model, "--inputs", frames, "--outputs", out, "--threads", self.threads, *options)

    def score(self, model, data, recipe, folders, count=0, labels=""):
        words = ["score", model, "--data", data]
        if recipe:
            words += ["--recipe", recipe]
        if count:
            words += ["--frames", count]
        if labels:
            words += ["--labels", labels]
        return json.loads(call(self.frames_tool, *words, *folders))

    def describe(self, model):
        return json.loads(call("node", HARNESS, "describe", model))


def random_frames(description, folder, count, shapes=None, seed=1):
    """Frames for models that come without data: normal noise, small indices, zero states."""
    import numpy as np   # nothing else here needs it
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    kinds = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "int32": np.int32, "uint8": np.uint8, "int8": np.int8, "bool": np.bool_}
    for frame in range(count):
        arrays = {}
        for info in description["inputs"]:
            shape = (shapes or {}).get(info["name"]) or [d if isinstance(d, int) and d > 0 else (1 if i == 0 else 32) for i, d in enumerate(info["shape"])]
            kind = kinds[info["type"]]
            if "mask" in info["name"]:
                arrays[info["name"]] = np.ones(shape, kind)
            elif "scale" in info["name"]:
                arrays[info["name"]] = rng.uniform(0.005, 0.02, shape).astype(kind)
            elif np.issubdtype(kind, np.floating):
                arrays[info["name"]] = rng.standard_normal(shape).astype(kind)
            elif kind in (np.uint8, np.int8):
                limits = np.iinfo(kind)
                arrays[info["name"]] = rng.integers(limits.min, limits.max + 1, shape).astype(kind)
            else:
                arrays[info["name"]] = rng.integers(0, 2, shape).astype(kind)
        np.savez(folder / f"{frame:06d}.npz", **arrays)


def table(rows, header):
    """A markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])
