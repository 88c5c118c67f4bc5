#!/usr/bin/env python3
"""Scores an ONNX file of the shapes detector, float or quantized, with ONNX Runtime: a second opinion.

    evaluate.py MODEL [--frames frames/score] [--labels labels/instances.json]

Needs torch, numpy, PIL and the harness of bench/peers.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

from generate import CLASSES
from network import decode_boxes, grid
from score import average_precision, suppress
from train import letterbox, torch

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--frames", default=os.path.join(HERE, "frames", "score"))
    parser.add_argument("--labels", default=os.path.join(HERE, "labels", "instances.json"))
    arguments = parser.parse_args()

    with open(arguments.labels) as file:
        labels = json.load(file)
    cells, strides = grid()
    found, truth = [], []
    with tempfile.TemporaryDirectory() as work:
        scales = []
        for image in labels["images"]:
            picture, scale = letterbox(Image.open(os.path.join(arguments.frames, image["file_name"])).convert("RGB"))
            scales.append(scale)
            np.savez(os.path.join(work, f"{image['id']:06}.npz"), picture=picture[None].float().numpy() / 255)
        harness = os.path.join(HERE, "..", "..", "bench", "peers", "ort_run.mjs")
        subprocess.run(
            ["node", harness, "run", arguments.model, "--inputs", work, "--outputs", work + "/out"], check=True
        )
        for image, scale in zip(labels["images"], scales):
            output = torch.from_numpy(np.load(os.path.join(work, "out", f"{image['id']:06}.npz"))["detections"][0])
            corners = decode_boxes(output[:, :4], cells, strides).numpy() / scale
            scores = (output[:, 4:5] * output[:, 5:]).numpy()
            cell, kind = np.nonzero(scores > 0.01)
            score = scores[cell, kind]
            kept = suppress(corners[cell], score, kind)
            found.append((corners[cell][kept], score[kept], kind[kept]))
            own = [a for a in labels["annotations"] if a["image_id"] == image["id"]]
            boxes = np.array([a["bbox"] for a in own]).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            truth.append((boxes, np.array([a["category_id"] - 1 for a in own], int)))
    exact, loose = average_precision(found, truth, len(CLASSES))
    print(json.dumps({"model": arguments.model, "map": round(exact, 4), "map50": round(loose, 4)}))


if __name__ == "__main__":
    main()
