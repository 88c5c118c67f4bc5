"""The two networks of FoundationPose: refinement of a pose and scoring of pose hypotheses.

Each takes two crops, the observed and the rendered one, N x 6 x 160 x 160 (RGB and XYZ).
"""
import math

import torch
from torch import nn

from transformers import EncoderLayer, SelfAttention

WIDTH = 512


def convolution(inputs, outputs, kernel=3, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU())


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, channels), nn.Conv2d(channels, channels, 3, 1, 1), nn.BatchNorm2d(channels)
        )

    def forward(self, x):
        return torch.relu(x + self.body(x))


def positions(length, width):
    steps = torch.arange(length, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    table = torch.zeros(1, length, width)
    table[0, :, 0::2] = torch.sin(steps * rates)
    table[0, :, 1::2] = torch.cos(steps * rates)
    return table


class PairEncoder(nn.Module):
    """Both crops through one encoder, their channels side by side through another: N x 400 x 512 tokens."""

    def __init__(self):
        super().__init__()
        self.each = nn.Sequential(
            convolution(6, 64, 7, 2), convolution(64, 128, 3, 2), ResidualBlock(128), ResidualBlock(128)
        )
        self.both = nn.Sequential(
            ResidualBlock(256),
            ResidualBlock(256),
            convolution(256, WIDTH, 3, 2),
            ResidualBlock(WIDTH),
            ResidualBlock(WIDTH),
        )
        self.register_buffer("position", positions(400, WIDTH))

    def forward(self, a, b):
        count = a.shape[0]
        x = self.each(torch.cat((a, b), 0))
        x = self.both(torch.cat((x[:count], x[count:]), 1))
        return x.flatten(2).permute(0, 2, 1) + self.position


class RefineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = PairEncoder()
        head = lambda: nn.Sequential(EncoderLayer(WIDTH, 4, WIDTH, nn.ReLU), nn.Linear(WIDTH, 3))
        self.translation = head()
        self.rotation = head()

    def forward(self, a, b):
        tokens = self.encoder(a, b)
        return self.translation(tokens).mean(1), self.rotation(tokens).mean(1)


class ScoreNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = PairEncoder()
        self.within = SelfAttention(WIDTH, 4)
        self.across = SelfAttention(WIDTH, 4)
        self.score = nn.Linear(WIDTH, 1)

    def forward(self, a, b):
        hypotheses = self.within(self.encoder(a, b)).mean(1)
        return self.score(self.across(hypotheses[None]))[0, :, 0]
