"""The text encoder and the degradation controller of `lite` in PyTorch."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class TransformerLayer(nn.Module):
    """Pre-norm: x + attention(LN(x)) under the mask, then x + MLP(LN(x))."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x, mask):
        n, words, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, words, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + mask[:, None, None, :]
        x = x + self.out((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class TextEncoder(nn.Module):
    """Words as means of hashed pieces, a transformer over them, the mean over the words that are there."""

    def __init__(self, config, out, degradations):
        super().__init__()
        width = config["width"]
        self.pieces = nn.Parameter(torch.zeros(config["buckets"], width))
        self.positions = nn.Parameter(torch.zeros(config["words"], width))
        self.layers = nn.ModuleList([TransformerLayer(width, config["heads"]) for _ in range(config["layers"])])
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, out)
        self.intent = nn.Linear(width, degradations)

    def forward(self, pieces, weights, mask):
        n, words, count = pieces.shape
        flat = F.embedding_bag(
            pieces.reshape(-1, count), self.pieces, per_sample_weights=weights.reshape(-1, count), mode="sum"
        )
        h = flat.reshape(n, words, -1) + self.positions
        for layer in self.layers:
            h = layer(h, mask)
        present = mask.exp()[:, :, None]
        mean = (self.norm(h) * present).sum(dim=1) / present.sum(dim=1)
        return F.normalize(self.projection(mean), dim=-1), self.intent(mean)


class Controller(nn.Module):
    """Convolutions at full resolution, their means and root mean squares, and two heads."""

    def __init__(self, config, out, degradations):
        super().__init__()
        widths = config["widths"]
        convs = [nn.Conv2d(12, widths[0], 3, padding=1)]
        convs += [nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in zip(widths, widths[1:])]
        self.convs = nn.ModuleList(convs)
        self.hidden = nn.Linear(2 * widths[-1], 256)
        self.projection = nn.Linear(256, out)
        self.strength = nn.Linear(256, degradations)
        self.logit_scale = nn.Parameter(torch.full((1,), math.log(20)))

    def forward(self, picture):
        h = F.pixel_unshuffle(picture * 2 - 1, 2)
        for conv in self.convs:
            h = F.gelu(conv(h))
        means, squares = h.mean(dim=(2, 3)), h.square().mean(dim=(2, 3))
        h = F.gelu(self.hidden(torch.cat([means, (squares + 1e-6).sqrt()], dim=1)))
        return F.normalize(self.projection(h), dim=-1), self.strength(h).sigmoid()
