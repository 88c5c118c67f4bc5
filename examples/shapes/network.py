"""The shapes detector: an anchor-free network in the manner of YOLOX, small enough to ship.

It is built of the blocks that real detectors have, so that quantizing it meets their difficulties: depthwise
convolutions, residual sums, Concat, max pooling, upsampling, SiLU beside ReLU, boxes and scores in one output.
"""
import torch
from torch import nn

STRIDES = (8, 16, 32)
INPUT = 160


def conv(inputs, outputs, kernel=1, stride=1, groups=1, activation=nn.SiLU):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        activation() if activation else nn.Identity(),
    )


def depthwise(inputs, outputs, kernel=3, stride=1, activation=nn.SiLU):
    return nn.Sequential(
        conv(inputs, inputs, kernel, stride, inputs, activation), conv(inputs, outputs, activation=activation)
    )


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels // 2, activation=nn.ReLU), conv(channels // 2, channels, 3, activation=None)
        )
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(x + self.body(x))


class Split(nn.Module):
    """Cross-stage block: half of the channels pass a residual block, then all are mixed."""

    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.left = conv(inputs, half)
        self.right = nn.Sequential(conv(inputs, half), Residual(half))
        self.mix = conv(2 * half, outputs)

    def forward(self, x):
        return self.mix(torch.cat((self.left(x), self.right(x)), 1))


class PyramidPooling(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.reduce = conv(inputs, inputs // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.mix = conv(inputs // 2 * 3, outputs)

    def forward(self, x):
        x = self.reduce(x)
        once = self.pool(x)
        return self.mix(torch.cat((x, once, self.pool(once)), 1))


class Head(nn.Module):
    def __init__(self, inputs, width, classes):
        super().__init__()
        self.stem = conv(inputs, width)
        self.box_branch = depthwise(width, width, 5)
        self.class_branch = depthwise(width, width, 5, activation=nn.ReLU)
        self.box = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)
        self.classes = nn.Conv2d(width, classes, 1)
        nn.init.constant_(self.objectness.bias, -4.6)
        nn.init.constant_(self.classes.bias, -2.0)

    def forward(self, x):
        x = self.stem(x)
        box, kind = self.box_branch(x), self.class_branch(x)
        return self.box(box), self.objectness(box), self.classes(kind)


class Detector(nn.Module):
    """Picture 1x3x160x160, RGB in [0, 1] -> 1x525x(4 + 1 + classes).

    Per cell of the three grids (20x20, 10x10, 5x5): offset of the box centre from the cell's corner in cells,
    logarithm of width and height in cells, objectness, classes. In training the last two are logits.
    """

    def __init__(self, classes=4):
        super().__init__()
        self.stem = conv(3, 16, 3, 2, activation=nn.ReLU)
        self.stage4 = nn.Sequential(depthwise(16, 32, 3, 2), Residual(32))
        self.stage8 = nn.Sequential(conv(32, 40, 3, 2), Split(40, 40))
        self.stage16 = nn.Sequential(depthwise(40, 80, 3, 2), Split(80, 80))
        self.stage32 = nn.Sequential(depthwise(80, 96, 3, 2), PyramidPooling(96, 88))
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.top_down16 = Split(88 + 80, 56)
        self.top_down8 = Split(56 + 40, 48)
        self.heads = nn.ModuleList(Head(inputs, 36, classes) for inputs in (48, 56, 88))

    def forward(self, picture):
        at8 = self.stage8(self.stage4(self.stem(picture)))
        at16 = self.stage16(at8)
        at32 = self.stage32(at16)
        at16 = self.top_down16(torch.cat((self.upsample(at32), at16), 1))
        at8 = self.top_down8(torch.cat((self.upsample(at16), at8), 1))
        levels = []
        for head, x in zip(self.heads, (at8, at16, at32)):
            box, objectness, classes = head(x)
            if not self.training:
                objectness, classes = objectness.sigmoid(), classes.sigmoid()
            level = torch.cat((box, objectness, classes), 1)
            levels.append(level.reshape(int(level.shape[0]), int(level.shape[1]), -1))
        return torch.cat(levels, 2).permute(0, 2, 1)


def grid(size=INPUT):
    """Corner of each cell in cells, and its stride: N x 2, N."""
    cells, strides = [], []
    for stride in STRIDES:
        steps = torch.arange(size // stride, dtype=torch.float32)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        cells.append(torch.stack((x.flatten(), y.flatten()), 1))
        strides.append(torch.full((len(cells[-1]),), float(stride)))
    return torch.cat(cells), torch.cat(strides)


def decode_boxes(raw, cells, strides):
    """Raw offsets ... x N x 4 -> corners x0 y0 x1 y1 in input pixels."""
    centre = (raw[..., :2] + cells) * strides[:, None]
    half = raw[..., 2:4].clamp(max=8).exp() * strides[:, None] / 2
    return torch.cat((centre - half, centre + half), -1)
