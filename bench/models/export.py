#!/usr/bin/env python3
"""Exports the networks of the benchmarks to ONNX, with random weights: they cost the same time as trained ones.

    export.py --out DIR [--batch N] [names]

Without names, all. The FoundationPose networks get a free batch axis. Needs torch and torchvision.
"""
import argparse
import os
import warnings

import torch
import torchvision
from torch import nn

import foundationpose
import transformers

OPSET = 17


class DetectorHeads(nn.Module):
    """SSDLite up to its raw boxes and class scores: what an exported detector leaves to the network."""

    def __init__(self):
        super().__init__()
        model = torchvision.models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
        self.backbone, self.head = model.backbone, model.head

    def forward(self, picture):
        found = self.head(list(self.backbone(picture).values()))
        return found["bbox_regression"], found["cls_logits"]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(512, 512, num_layers=2, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


PICTURE = {"picture": (3, 224, 224)}
CROPS = {"a": (6, 160, 160), "b": (6, 160, 160)}

# name: (constructor, inputs without the batch axis, outputs, free batch axis)
NETWORKS = {
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), PICTURE, ["logits"], False),
    "resnet50": (lambda: torchvision.models.resnet50(weights=None), PICTURE, ["logits"], False),
    "mobilenetv2": (lambda: torchvision.models.mobilenet_v2(weights=None), PICTURE, ["logits"], False),
    "ssdlite_mobilenetv3": (DetectorHeads, {"picture": (3, 320, 320)}, ["boxes", "scores"], False),
    "vit_s16": (transformers.VisionTransformer, PICTURE, ["logits"], False),
    "encoder6": (transformers.Encoder, {"tokens": (196, 512)}, ["encoded"], False),
    "lstm2": (Recurrent, {"steps": (32, 512)}, ["states"], False),
    "scorenet": (foundationpose.ScoreNet, CROPS, ["scores"], True),
    "refinenet": (foundationpose.RefineNet, CROPS, ["translation", "rotation"], True),
}


@torch.no_grad()
def settle(network, inputs):
    """Lets BatchNorm see some random inputs: without it, the values fade or explode from layer to layer."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain mean over the passes
    network.train()
    for _ in range(2):
        network(*(torch.randn(4, *shape) for shape in inputs.values()))
    return network.eval()


def export(name, folder, batch):
    constructor, inputs, outputs, free = NETWORKS[name]
    torch.manual_seed(1)
    network = constructor()
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        settle(network, inputs)
    network.eval()
    samples = tuple(torch.randn(batch, *shape) for shape in inputs.values())
    path = os.path.join(folder, f"{name}.onnx")
    axes = {value: {0: "batch"} for value in [*inputs, *outputs]} if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            samples,
            path,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
        )
    weights = sum(parameter.numel() for parameter in network.parameters())
    print(f"{path}: {weights / 1e6:.1f} M weights, {os.path.getsize(path) / 1e6:.1f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--batch", type=int, default=1, help="of the networks whose batch is fixed")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NETWORKS))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NETWORKS)
    if unknown:
        parser.error(f"unknown network {', '.join(sorted(unknown))}; there are {', '.join(NETWORKS)}")
    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.names or NETWORKS:
        export(name, arguments.out, arguments.batch)


if __name__ == "__main__":
    main()
