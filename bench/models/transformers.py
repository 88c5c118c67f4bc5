"""Attention blocks written out, so that the exported graphs hold MatMul, Softmax and LayerNormalization."""
import math

import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        size = width // self.heads
        q, k, v = (
            part.reshape(-1, length, self.heads, size).transpose(1, 2) for part in self.project_in(x).chunk(3, dim=-1)
        )
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(size), dim=-1)
        return self.project_out((weights @ v).transpose(1, 2).reshape(-1, length, width))


class EncoderLayer(nn.Module):
    """Attention and feed-forward; the normalization stands after each of the two, or before (`first`)."""

    def __init__(self, width, heads, inner, activation=nn.GELU, first=False):
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.feed_forward = nn.Sequential(nn.Linear(width, inner), activation(), nn.Linear(inner, width))
        self.norms = nn.ModuleList((nn.LayerNorm(width), nn.LayerNorm(width)))
        self.first = first

    def forward(self, x):
        if self.first:
            x = x + self.attention(self.norms[0](x))
            return x + self.feed_forward(self.norms[1](x))
        x = self.norms[0](x + self.attention(x))
        return self.norms[1](x + self.feed_forward(x))


class VisionTransformer(nn.Module):
    """ViT-S/16 for 224x224 pictures."""

    def __init__(self, width=384, layers=12, heads=6, patch=16, picture=224, classes=1000):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, (picture // patch) ** 2 + 1, width) * 0.02)
        self.layers = nn.Sequential(*(EncoderLayer(width, heads, 4 * width, first=True) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.classes = nn.Linear(width, classes)

    def forward(self, picture):
        x = self.patches(picture).flatten(2).transpose(1, 2)
        x = torch.cat((self.first_token.expand(x.shape[0], -1, -1), x), 1) + self.position
        return self.classes(self.norm(self.layers(x))[:, 0])


class Encoder(nn.Module):
    """Six post-norm layers of width 512 over 196 tokens."""

    def __init__(self, width=512, layers=6, heads=8):
        super().__init__()
        self.layers = nn.Sequential(*(EncoderLayer(width, heads, 4 * width) for _ in range(layers)))

    def forward(self, tokens):
        return self.layers(tokens)
