#!/usr/bin/env python3
"""Draws pictures of simple shapes with their boxes: the data of the shapes detector.

    generate.py OUT --seed 1 --count 64 [--labels labels/instances.json]

Writes OUT/000000.png ... and, where asked, the boxes in COCO's format. The same seed gives the same pictures.
"""
import argparse
import json
import math
import os

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circle", "square", "triangle", "star")
SIZES = ((160, 160), (160, 160), (200, 150), (150, 200), (128, 128))  # width, height
OVERSAMPLE = 4  # edges are drawn this much larger and averaged down


def regular_points(kind, radius, angle):
    """Corners of a shape around the origin; None for a circle."""
    if kind == "circle":
        return None
    if kind == "square":
        steps = [(1, i / 4) for i in range(4)]
    elif kind == "triangle":
        steps = [(1, i / 3) for i in range(3)]
    else:
        steps = [(1 if i % 2 == 0 else 0.45, i / 10) for i in range(10)]
    return [
        (radius * r * math.cos(angle + 2 * math.pi * t), radius * r * math.sin(angle + 2 * math.pi * t))
        for r, t in steps
    ]


def background(random, width, height):
    """A slanted colour gradient with soft blotches and a little grain."""
    corners = random.uniform(20, 235, (2, 2, 3)).astype(np.float32)
    if random.random() < 0.5:
        corners = corners * 0.4 + corners.mean((0, 1)) * 0.6  # rather plain
    picture = Image.fromarray(corners.astype(np.uint8)).resize((width, height), Image.BICUBIC)
    cells = int(random.integers(3, 9))
    blotches = random.normal(0, random.uniform(0, 14), (cells, cells)).astype(np.float32)
    blotches = np.asarray(Image.fromarray(blotches, "F").resize((width, height), Image.BICUBIC))
    grain = np.round(random.normal(0, random.uniform(0, 2.0), (height, width)))
    pixels = np.asarray(picture, np.float32) + (blotches + grain)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def different_colour(random, beside):
    while True:
        colour = random.integers(0, 256, 3)
        if np.abs(colour - beside).max() > 60:
            return tuple(int(c) for c in colour)


def overlap(a, b):
    """Intersection of two boxes relative to the smaller one."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def draw_clutter(random, canvas, size):
    """Lines and arcs that are no shape of ours."""
    for _ in range(random.integers(0, 7)):
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        thickness = int(random.integers(1, 3)) * OVERSAMPLE
        x, y = random.uniform(0, size[0]), random.uniform(0, size[1])
        dx, dy = random.uniform(-60, 60, 2) * OVERSAMPLE
        if random.random() < 0.6:
            canvas.line((x, y, x + dx, y + dy), colour, thickness)
        else:
            start = random.uniform(0, 360)
            box = (min(x, x + dx), min(y, y + dy), max(x, x + dx), max(y, y + dy))
            canvas.arc(box, start, start + random.uniform(30, 150), colour, thickness)


def draw_picture(random):
    """Returns the picture and its boxes as (class index, x0, y0, x1, y1)."""
    width, height = SIZES[random.integers(len(SIZES))]
    plain = background(random, width, height)
    pixels = np.asarray(plain)
    large = plain.resize((width * OVERSAMPLE, height * OVERSAMPLE), Image.NEAREST)
    canvas = ImageDraw.Draw(large)
    draw_clutter(random, canvas, large.size)

    boxes = []
    for _ in range(random.integers(1, 8)):
        kind = int(random.integers(len(CLASSES)))
        for _ in range(20):  # a free place, or none
            radius = math.exp(random.uniform(math.log(7), math.log(46)))
            points = regular_points(CLASSES[kind], radius, random.uniform(0, 2 * math.pi))
            if points is None:
                low, high = (-radius, -radius), (radius, radius)
            else:
                low = tuple(min(p[i] for p in points) for i in (0, 1))
                high = tuple(max(p[i] for p in points) for i in (0, 1))
            if high[0] - low[0] > width - 4 or high[1] - low[1] > height - 4:
                continue
            x = random.uniform(2 - low[0], width - 2 - high[0])
            y = random.uniform(2 - low[1], height - 2 - high[1])
            box = (x + low[0], y + low[1], x + high[0], y + high[1])
            if all(overlap(box, other[1:]) < 0.12 for other in boxes):
                break
        else:
            continue
        beside = pixels[int(box[1]) : int(box[3]) + 1, int(box[0]) : int(box[2]) + 1].mean((0, 1))
        fill = different_colour(random, beside)
        outline = different_colour(random, beside) if random.random() < 0.3 else fill
        scaled = [v * OVERSAMPLE for v in box]
        if points is None:
            canvas.ellipse(scaled, fill, outline, 2 * OVERSAMPLE)
        else:
            canvas.polygon(
                [((x + px) * OVERSAMPLE, (y + py) * OVERSAMPLE) for px, py in points], fill, outline, 2 * OVERSAMPLE
            )
        boxes.append((kind, *box))
    return large.resize((width, height), Image.BOX), boxes


def coco_labels(names, pictures, all_boxes):
    images = [
        {"id": i + 1, "file_name": name, "width": picture.width, "height": picture.height}
        for i, (name, picture) in enumerate(zip(names, pictures))
    ]
    annotations = []
    for i, boxes in enumerate(all_boxes):
        for kind, x0, y0, x1, y1 in boxes:
            box = [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i + 1,
                    "category_id": kind + 1,
                    "bbox": box,
                    "area": round(box[2] * box[3], 2),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": categories}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--labels", help="write the boxes here, in COCO's format")
    arguments = parser.parse_args()

    os.makedirs(arguments.folder, exist_ok=True)
    random = np.random.default_rng(arguments.seed)
    names, pictures, boxes = [], [], []
    for i in range(arguments.count):
        picture, found = draw_picture(random)
        names.append(f"{i:06}.png")
        pictures.append(picture)
        boxes.append(found)
        picture.save(os.path.join(arguments.folder, names[-1]), optimize=True)
    if arguments.labels:
        os.makedirs(os.path.dirname(os.path.abspath(arguments.labels)), exist_ok=True)
        with open(arguments.labels, "w") as file:
            json.dump(coco_labels(names, pictures, boxes), file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
