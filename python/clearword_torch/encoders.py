"""The text encoder and the degradation controller, which are trained with the network."""

from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .pointwise import Pointwise, laid_out

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


def weighted_sums(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Sums [N,W] of rows [N,K] of a table [R,W], weighted."""
    if not table.is_cuda:
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")
    # The gradient of a bag sorts its rows and waits for the card, which a recorded step must not.
    chosen = table.index_select(0, rows.flatten()).view(*rows.shape, -1)
    return (chosen * weights[:, :, None]).sum(dim=1)


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
        flat = weighted_sums(self.pieces, pieces.reshape(-1, count), weights.reshape(-1, count))
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
    h = laid_out(F.pixel_unshuffle(picture * 2 - 1, 2).to(convs[0].weight.dtype))
    for conv in convs:
        h = F.gelu(conv(h))
    return h


def moments(h: Tensor) -> Tensor:
    """Means and mean squares over positions of [N,C,H,W], [N,2C]."""
    h = h.float()
    return torch.cat([h.mean(dim=(2, 3)), h.square().mean(dim=(2, 3))], dim=1)


def roots(statistics: Tensor) -> Tensor:
    """Means and mean squares [M,2C] -> means and their roots."""
    means, squares = statistics.chunk(2, dim=1)
    return torch.cat([means, (squares + 1e-6).sqrt()], dim=1)


#: Side of the blocks that a detector sees, and the kernels that it reads their spectra with.
BLOCK = 8
KERNELS = (1, 3, 1)

#: Y, Cb and Cr from R, G and B.
YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def transform_kernels() -> Tensor:
    """Kernels [192,3,8,8] of the orthonormal cosine transform of blocks in luma and chroma, in 8-bit units."""
    k, x = torch.meshgrid(torch.arange(BLOCK).double(), torch.arange(BLOCK).double(), indexing="ij")
    waves = torch.cos(math.pi * (2 * x + 1) * k / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    waves[0] /= math.sqrt(2)
    mix = torch.tensor(YCBCR, dtype=torch.float64)
    kernels = torch.einsum("ac,vy,ux->avucyx", mix, waves, waves)
    return (255 * kernels).reshape(3 * BLOCK**2, 3, BLOCK, BLOCK).float()


class DetectorLook(nn.Module):
    """Features of pictures [N,3,H,W] as means over places, those under attention first: [N,3C+heads]."""

    #: Attention of a place is e^-5 .. e^5 of the usual.
    MOST = 5.0

    transform: Tensor

    def __init__(self, widths: List[int], heads: int) -> None:
        super().__init__()
        before = [3 * BLOCK**2, *widths]
        self.convs = nn.ModuleList(
            [
                Pointwise(before[i], width) if KERNELS[i] == 1 else nn.Conv2d(before[i], width, KERNELS[i])
                for i, width in enumerate(widths)
            ]
        )
        self.attention = Pointwise(widths[-1], heads)
        self.register_buffer("transform", transform_kernels(), persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        spectra = 0.25 * torch.log1p(2 * F.conv2d(picture.float(), self.transform, stride=BLOCK).abs())
        h = laid_out(spectra.to(self.attention.weight.dtype))
        for conv in self.convs:
            h = F.gelu(conv(h))
        scores = self.attention(h).float()
        n, heads = scores.shape[:2]
        attention = (torch.tanh(scores / self.MOST) * self.MOST).exp().reshape(n, heads, 1, -1)
        values = h.float().reshape(n, heads, h.shape[1] // heads, -1)
        weighted = (values * attention).mean(dim=3).reshape(n, -1)
        return torch.cat([weighted, attention.mean(dim=3).reshape(n, heads), moments(h)], dim=1)


class Detector(DetectorLook):
    """A sharper eye for judging alone: what it finds is added to logits of presence and strength."""

    def __init__(self, config: Config, seen: int, degradations: int) -> None:
        widths, self.heads = config["widths"], config["heads"]
        super().__init__(widths, self.heads)
        self.width = widths[-1]
        self.hidden = nn.Linear(seen + 3 * self.width, 256)
        self.presence = nn.Linear(256, degradations, bias=False)
        self.strength = nn.Linear(256, degradations, bias=False)

    def judge(self, seen: Tensor, statistics: Tensor) -> Tuple[Tensor, Tensor]:
        """What is added to the logits of presence and of strength, [M,D] each.

        seen: what the controller sees without it; statistics: its own, [M,3C+heads].
        """
        weighted, total, rest = statistics.split([self.width, self.heads, 2 * self.width], dim=1)
        chosen = weighted.reshape(len(weighted), self.heads, -1) / total[:, :, None]
        h = F.gelu(self.hidden(torch.cat([seen, chosen.flatten(1), roots(rest)], dim=1)))
        return self.presence(h), self.strength(h)


class View(nn.Module):
    """The look at whole pictures [M,3,V,V], and a token for each place of its last map."""

    def __init__(self, widths: List[int], out: int) -> None:
        super().__init__()
        self.convs = look(widths)
        self.tokens = nn.Linear(widths[-1], out)

    def forward(self, view: Tensor) -> Tuple[Tensor, Tensor]:
        """Moments [M,2C] and tokens [M,S,out]."""
        h = features(view, self.convs)
        # Products of channels first: PyTorch 1.13 has wrong gradients of GELU where those are laid out otherwise than its input.
        places = h.float().flatten(2)
        tokens = torch.bmm(self.tokens.weight.expand(len(places), -1, -1), places)
        return moments(h), tokens.transpose(1, 2) + self.tokens.bias


class Found(NamedTuple):
    """What a controller says of M pictures."""

    #: e_d, [M,C].
    embedding: Tensor
    #: Strengths before the sigmoid, [M,D].
    strength_logits: Tensor
    #: What a detector adds to the logits of presence, [M,D].
    presence: Optional[Tensor]
    #: The view's tokens, [M,S,C].
    tokens: Optional[Tensor]


class Controller(nn.Module):
    """Convolutions at full resolution, and over the whole view where there is one; their moments; two heads."""

    def __init__(self, config: Config, out: int, degradations: int) -> None:
        super().__init__()
        widths, view, detector = config["widths"], config.get("view"), config.get("detector")
        self.convs = look(widths)
        if view is not None:
            self.view = View(view["widths"], out)
        seen = 2 * widths[-1] + (2 * view["widths"][-1] if view is not None else 0)
        self.hidden = nn.Linear(seen, 256)
        self.projection = nn.Linear(256, out)
        self.strength = nn.Linear(256, degradations)
        self.detector = None if detector is None else Detector(detector, seen, degradations)
        self.labels = config.get("labels", "combinations")
        self.logit_scale = nn.Parameter(torch.full((1,), math.log(20)))
        if self.labels == "sigmoid":
            self.logit_bias = nn.Parameter(torch.zeros(degradations))

    def statistics(self, picture: Tensor) -> List[Tensor]:
        """The close looks at patches [N,3,P,P]: moments [N,2C], then the detector's."""
        own = [moments(features(picture, self.convs))]
        return own if self.detector is None else [*own, self.detector(picture)]

    def forward(self, close: List[Tensor], patches: int, view: Optional[Tensor]) -> Found:
        """close: the statistics of the N patches of M pictures."""
        local, *sharp = [s.reshape(-1, patches, s.shape[1]).mean(dim=1) for s in close]
        looks, tokens = [local], None
        if view is not None:
            whole, tokens = self.view(view)
            looks.append(whole)
        seen = torch.cat([roots(s) for s in looks], dim=1)
        h = F.gelu(self.hidden(seen))
        strength, presence = self.strength(h), None
        if self.detector is not None:
            presence, more = self.detector.judge(seen, sharp[0])
            strength = strength + more
        return Found(F.normalize(self.projection(h), dim=-1), strength, presence, tokens)

    def naming_loss(self, found: Found, names: Tensor, given: Dict[str, Tensor]) -> Tensor:
        """How well e_d [M,C] lies beside the texts [L,C] of what is there."""
        logits = found.embedding @ names.T * self.logit_scale.exp()
        if self.labels == "sigmoid":
            more = 0 if found.presence is None else found.presence
            return F.binary_cross_entropy_with_logits(logits + self.logit_bias + more, given["presence"])
        return F.cross_entropy(logits, given["combination"])
