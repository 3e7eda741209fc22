"""The text encoder and the degradation controller, which are trained with the network."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Config = Dict[str, Any]


class TransformerLayer(nn.Module):
    """Pre-norm: x + attention(LN(x)) under the mask, then x + MLP(LN(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, words, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, words, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + mask[:, None, None, :]
        x = x + self.out((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class TextEncoder(nn.Module):
    """Words as means of hashed pieces, a transformer over them, the mean over the words that are there."""

    def __init__(self, config: Config, out: int, degradations: int) -> None:
        super().__init__()
        width = config["width"]
        self.pieces = nn.Parameter(torch.zeros(config["buckets"], width))
        self.positions = nn.Parameter(torch.zeros(config["words"], width))
        self.layers = nn.ModuleList([TransformerLayer(width, config["heads"]) for _ in range(config["layers"])])
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, out)
        self.intent = nn.Linear(width, degradations)

    def forward(self, pieces: Tensor, weights: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
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


def look(widths: List[int]) -> nn.ModuleList:
    """Convolutions over pixels folded by two, each after the first halving the map."""
    convs = [nn.Conv2d(12, widths[0], 3, padding=1)]
    convs += [nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in zip(widths, widths[1:])]
    return nn.ModuleList(convs)


def features(picture: Tensor, convs: nn.ModuleList) -> Tensor:
    """Last features [N,C,H/2^n,W/2^n] of pictures [N,3,H,W], in the precision of the weights."""
    h = F.pixel_unshuffle(picture * 2 - 1, 2).to(convs[0].weight.dtype)
    if h.is_cuda or h.dtype != torch.float32:
        h = h.contiguous(memory_format=torch.channels_last)
    for conv in convs:
        h = F.gelu(conv(h))
    return h


def moments(h: Tensor) -> Tuple[Tensor, Tensor]:
    """Means and mean squares over positions of [N,C,H,W], [N,C] each."""
    h = h.float()
    return h.mean(dim=(2, 3)), h.square().mean(dim=(2, 3))


class View(nn.Module):
    """The look at whole pictures [M,3,V,V], and a token for each place of its last map."""

    def __init__(self, widths: List[int], out: int) -> None:
        super().__init__()
        self.convs = look(widths)
        self.tokens = nn.Linear(widths[-1], out)

    def forward(self, view: Tensor) -> Tuple[Tuple[Tensor, Tensor], Tensor]:
        h = features(view, self.convs)
        # Products of channels first: PyTorch 1.13 has wrong gradients of GELU where those are laid out otherwise than its input.
        places = h.float().flatten(2)
        tokens = torch.bmm(self.tokens.weight.expand(len(places), -1, -1), places)
        return moments(h), tokens.transpose(1, 2) + self.tokens.bias


class Controller(nn.Module):
    """Convolutions at full resolution, and over the whole view where there is one; their moments; two heads."""

    def __init__(self, config: Config, out: int, degradations: int) -> None:
        super().__init__()
        widths, view = config["widths"], config.get("view")
        self.convs = look(widths)
        if view is not None:
            self.view = View(view["widths"], out)
        self.hidden = nn.Linear(2 * widths[-1] + (2 * view["widths"][-1] if view is not None else 0), 256)
        self.projection = nn.Linear(256, out)
        self.strength = nn.Linear(256, degradations)
        self.labels = config.get("labels", "combinations")
        self.logit_scale = nn.Parameter(torch.full((1,), math.log(20)))
        if self.labels == "sigmoid":
            self.logit_bias = nn.Parameter(torch.zeros(degradations))

    def features(self, picture: Tensor) -> Tensor:
        """The close look at patches [N,3,P,P]."""
        return features(picture, self.convs)

    def forward(self, close: Tensor, patches: int, view: Optional[Tensor]) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
        """e_d [M,C], strengths [M,D] and the view's tokens [M,S,C], of M pictures.

        close: the last features of their N patches.
        """
        means, squares = (m.reshape(-1, patches, m.shape[1]).mean(dim=1) for m in moments(close))
        looks, tokens = [(means, squares)], None
        if view is not None:
            seen, tokens = self.view(view)
            looks.append(seen)
        parts = [part for m, s in looks for part in (m, (s + 1e-6).sqrt())]
        h = F.gelu(self.hidden(torch.cat(parts, dim=1)))
        return F.normalize(self.projection(h), dim=-1), self.strength(h).sigmoid(), tokens

    def naming_loss(self, found: Tensor, names: Tensor, given: Dict[str, Tensor]) -> Tensor:
        """How well e_d [M,C] lies beside the texts [L,C] of what is there."""
        logits = found @ names.T * self.logit_scale.exp()
        if self.labels == "sigmoid":
            return F.binary_cross_entropy_with_logits(logits + self.logit_bias, given["presence"])
        return F.cross_entropy(logits, given["combination"])
