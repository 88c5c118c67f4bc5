#!/usr/bin/env python3
"""Trains the shapes detector on pictures drawn on the way and writes it as ONNX.

    train.py -o shapes.onnx [--minutes 15] [--seed 7]

One core and a quarter of an hour are enough. Needs torch, numpy and PIL.
"""
import argparse
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from generate import CLASSES, draw_picture
from network import INPUT, Detector, decode_boxes, grid
from score import average_precision, suppress


def letterbox(picture):
    """Scales the picture to fit, at the top left, the rest filled with 114. Returns 3xHxW bytes and the scale."""
    width, height = picture.size
    scale = min(INPUT / width, INPUT / height)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()
    size = (round(height * scale), round(width * scale))
    if scale != 1:
        pixels = F.interpolate(pixels[None], size, mode="bilinear", align_corners=False)[0]
    canvas = torch.full((3, INPUT, INPUT), 114, dtype=torch.uint8)
    canvas[:, : size[0], : size[1]] = pixels.round().byte()
    return canvas, scale


def make_set(seed, count):
    """Pictures (bytes), and per picture its boxes in input pixels (n x 4) and classes (n)."""
    random = np.random.default_rng(seed)
    pictures, boxes, kinds = [], [], []
    for _ in range(count):
        picture, found = draw_picture(random)
        pixels, scale = letterbox(picture)
        table = torch.tensor(found, dtype=torch.float32).reshape(-1, 5)
        pictures.append(pixels)
        boxes.append(table[:, 1:] * scale)
        kinds.append(table[:, 0].long())
    return torch.stack(pictures), boxes, kinds


def augment(picture, boxes, random):
    """Random flips, transposition and colour changes; they leave the classes as they are."""
    boxes = boxes.clone()
    if random.random() < 0.5:
        picture = picture.flip(2)
        boxes[:, [0, 2]] = INPUT - boxes[:, [2, 0]]
    if random.random() < 0.5:
        picture = picture.flip(1)
        boxes[:, [1, 3]] = INPUT - boxes[:, [3, 1]]
    if random.random() < 0.5:
        picture = picture.transpose(1, 2)
        boxes = boxes[:, [1, 0, 3, 2]]
    picture = picture[random.permutation(3)].float() / 255
    if random.random() < 0.3:
        picture = 1 - picture
    return (picture * random.uniform(0.75, 1.25)).clamp(0, 1), boxes


def iou_of_pairs(a, b):
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / (areas - shared + 1e-7)


@torch.no_grad()
def assign(predicted, logits, boxes, kinds, cells, strides):
    """Which cell answers for which box: SimOTA of YOLOX (arXiv 2107.08430).

    Returns the chosen cells and, for each, the index of its box and the overlap reached so far.
    """
    centres = (cells + 0.5) * strides[:, None]
    true_centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = ((centres[None] - true_centres[:, None]).abs() < 1.5 * strides[:, None]).all(2)
    inside = ((centres[None] > boxes[:, None, :2]) & (centres[None] < boxes[:, None, 2:])).all(2)
    candidates = (near | inside).any(0).nonzero().flatten()
    if len(candidates) == 0:
        return candidates, candidates, candidates.float()
    overlap = iou_of_pairs(predicted[candidates][None], boxes[:, None])
    probability = (logits[candidates, 1:].sigmoid() * logits[candidates, :1].sigmoid()).sqrt()
    one_hot = F.one_hot(kinds, logits.shape[1] - 1).float()
    kind_cost = F.binary_cross_entropy(
        probability[None].expand(len(boxes), -1, -1), one_hot[:, None].expand(-1, len(candidates), -1), reduction="none"
    ).sum(2)
    cost = kind_cost - 3 * (overlap + 1e-8).log() + 1e5 * ~(near & inside)[:, candidates]
    wanted = overlap.topk(min(10, len(candidates)), 1).values.sum(1).int().clamp(min=1)
    chosen = torch.zeros_like(cost, dtype=torch.bool)
    for i, count in enumerate(wanted.tolist()):
        chosen[i, cost[i].topk(count, largest=False).indices] = True
    several = chosen.sum(0) > 1  # a cell answers for one box only
    if several.any():
        best = cost[:, several].argmin(0)
        chosen[:, several] = False
        chosen[best, several.nonzero().flatten()] = True
    at = chosen.any(0).nonzero().flatten()
    match = chosen[:, at].float().argmax(0)
    return candidates[at], match, overlap[match, at]


def loss_of(output, boxes, kinds, cells, strides):
    predicted = decode_boxes(output[..., :4], cells, strides)
    objectness_target = torch.zeros_like(output[..., 4])
    box_loss = kind_loss = 0.0
    count = 0
    for i in range(len(output)):
        if len(boxes[i]) == 0:
            continue
        at, match, overlap = assign(predicted[i], output[i, :, 4:], boxes[i], kinds[i], cells, strides)
        if len(at) == 0:
            continue
        count += len(at)
        objectness_target[i, at] = 1.0
        box_loss = box_loss + (1 - iou_of_pairs(predicted[i, at], boxes[i][match]) ** 2).sum()
        one_hot = F.one_hot(kinds[i][match], len(CLASSES)) * overlap[:, None]
        kind_loss = kind_loss + F.binary_cross_entropy_with_logits(output[i, at, 5:], one_hot, reduction="sum")
    objectness_loss = F.binary_cross_entropy_with_logits(output[..., 4], objectness_target, reduction="sum")
    return (5 * box_loss + kind_loss + objectness_loss) / max(count, 1)


@torch.no_grad()
def evaluate(network, data, cells, strides):
    network.eval()
    found, truth = [], []
    for pictures, boxes, kinds in zip(data[0].split(32), _chunks(data[1], 32), _chunks(data[2], 32)):
        output = network(pictures.float() / 255)
        corners = decode_boxes(output[..., :4], cells, strides).numpy()
        scores = (output[..., 4:5] * output[..., 5:]).numpy()
        for i in range(len(pictures)):
            cell, kind = np.nonzero(scores[i] > 0.01)
            score = scores[i][cell, kind]
            kept = suppress(corners[i][cell], score, kind)
            found.append((corners[i][cell][kept], score[kept], kind[kept]))
            truth.append((boxes[i].numpy(), kinds[i].numpy()))
    return average_precision(found, truth, len(CLASSES))


def _chunks(items, size):
    return [items[i : i + size] for i in range(0, len(items), size)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="shapes.onnx")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--checkpoint", help="also keep the weights here, as a PyTorch state dictionary")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    random = np.random.default_rng(arguments.seed)
    network = Detector(len(CLASSES)).to(memory_format=torch.channels_last)
    weights = sum(p.numel() for p in network.parameters())
    print(f"{weights} weights, {weights * 4 / 1000:.0f} kB", flush=True)
    pictures, boxes, kinds = make_set(arguments.seed + 1000, arguments.pictures)
    held_out = make_set(arguments.seed + 2000, 200)
    cells, strides = grid()

    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0}])
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        avg_fn=lambda average, new, n: average + (new - average) * max(0.002, 1 / (10 + float(n))),
        use_buffers=True,
    )
    start = time.monotonic()
    steps, seen = 0, 0.0
    while True:
        progress = (time.monotonic() - start) / (60 * arguments.minutes)
        if progress >= 1:
            break
        rate = 3e-3 * (min(1, steps / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 0.01)
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen = random.integers(0, len(pictures), arguments.batch)
        batch = [augment(pictures[i], boxes[i], random) for i in chosen]
        network.train()
        stacked = torch.stack([picture for picture, _ in batch]).contiguous(memory_format=torch.channels_last)
        output = network(stacked)
        loss = loss_of(output, [box for _, box in batch], [kinds[i] for i in chosen], cells, strides)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10)
        optimizer.step()
        averaged.update_parameters(network)
        steps += 1
        seen += loss.item()
        if steps % 200 == 0:
            score = evaluate(averaged.module, held_out, cells, strides) if steps % 400 == 0 else None
            print(f"step {steps} {100 * progress:.0f} % loss {seen / 200:.3f} mAP50-95 {score}", flush=True)
            seen = 0.0

    network = averaged.module.eval()
    score = evaluate(network, held_out, cells, strides)
    print(f"held out: mAP50-95 {score[0]:.3f}, mAP50 {score[1]:.3f}")
    if arguments.checkpoint:
        torch.save(network.state_dict(), arguments.checkpoint)
    torch.onnx.export(
        network,
        torch.zeros(1, 3, INPUT, INPUT),
        arguments.output,
        opset_version=13,
        input_names=["picture"],
        output_names=["detections"],
    )


if __name__ == "__main__":
    main()
