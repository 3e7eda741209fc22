"""TIFB and ERUNet, from the same presets as src/models."""

from __future__ import annotations

import math
from typing import Any, Dict, Optional, Union

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import LinearAttention, Residual, SpatialTransformer
from .blocks import ResidualBlock, Upsample
from .pointwise import laid_out

Config = Dict[str, Any]


class Sinusoid(nn.Module):
    """t [M] -> [M,width]: sin and then cos of t exp(-ln(10000) i / (width/2 - 1))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10000) / (half - 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class Tifb(nn.Module):
    """time(t) + Linear(softmax(MLP(p)) P) [M,4 width]; its parameters lie beside those of the network."""

    def __init__(self, width: int, fusion: Config, degradations: int) -> None:
        super().__init__()
        features = 4 * width
        self.fusion = fusion
        self.time_mlp = nn.Sequential(
            Sinusoid(width), nn.Linear(width, features), nn.GELU(), nn.Linear(features, features)
        )
        if fusion.get("strengths"):
            self.strength_mlp = nn.Sequential(
                nn.Linear(2 * degradations, features), nn.SiLU(), nn.Linear(features, features)
            )
        if fusion["mode"] == "none":
            return
        joined = fusion["context"] * (2 if fusion["mode"] == "concat" else 1)
        self.text_mlp = nn.Sequential(nn.Linear(joined, features), nn.SiLU(), nn.Linear(features, features))
        self.prompt = nn.Parameter(torch.zeros(1, features))
        self.prompt_mlp = nn.Linear(features, features)

    def fuse(self, t: Tensor, text: Tensor, degradation: Tensor, told: Optional[Tensor]) -> Tensor:
        time = self.time_mlp(t)
        if self.fusion.get("strengths"):
            time = time + self.strength_mlp(told)
        if self.fusion["mode"] == "none":
            return time
        joined = text + degradation if self.fusion["mode"] == "sum" else torch.cat([text, degradation], dim=1)
        chosen = self.text_mlp(joined * self.fusion["embeddingScale"]).softmax(dim=-1) * self.prompt
        return time + self.prompt_mlp(chosen)


class Erunet(Tifb):
    """The network's raw output [N,3,H,W] for N / M patches of each of M pictures."""

    def __init__(self, network: Config, fusion: Config, degradations: int) -> None:
        super().__init__(network["width"], fusion, degradations)
        width, multipliers, counts = network["width"], network["multipliers"], network["blocks"]
        self.network = network
        self.counts = counts
        last = len(multipliers) - 1
        channels = [round(width * m) for m in [1, *multipliers]]
        features, context = 4 * width, fusion["context"]
        told = features if network.get("norms", "tile") == "told" else None

        def block(level: int, inputs: int, out: int, decoder: bool) -> nn.Module:
            inner: Union[str, list] = network["inner"]
            kind = inner if isinstance(inner, str) else inner[level]
            kernel = network["kernels"][level] if level < len(network["kernels"]) else 7
            return ResidualBlock(inputs, out, features, kind, decoder, (kernel, network["expansion"], told))

        def attention(kind: str, c: int) -> nn.Module:
            if kind == "none":
                return nn.Identity()
            if kind == "linear":
                return Residual(c, LinearAttention(c))
            return Residual(c, SpatialTransformer(c, context, alone=kind == "transformer"))

        self.kinds = [*network["attention"], *(["none"] * len(multipliers))][: last + 1]
        self.middle = network.get("middle", "transformer")
        stem = network["stemKernel"]
        folds = network["unshuffle"] ** 2
        self.init_conv = nn.Conv2d(6 * folds, width, stem, padding=stem // 2, bias=False)
        self.downs = nn.ModuleList()
        for level in range(last + 1):
            c, after = channels[level], channels[level + 1]
            parts = [block(level, c, c, False) for _ in range(counts[level])]
            parts.append(attention(self.kinds[level], c))
            if level < last:
                parts.append(nn.Conv2d(c, after, 4, stride=2, padding=1))
            else:
                parts.append(nn.Conv2d(c, after, 3, padding=1, bias=False))
            self.downs.append(nn.ModuleList(parts))
        bottom = channels[last + 1]
        self.mid_block1 = block(last, bottom, bottom, False)
        self.mid_attn = attention(self.middle, bottom)
        self.mid_block2 = block(last, bottom, bottom, False)
        self.ups = nn.ModuleList()
        for level in reversed(range(last + 1)):
            c, skip, after = channels[level + 1], channels[level], channels[level]
            parts = [block(level, c + skip, c, True) for _ in range(counts[level])]
            parts.append(attention(self.kinds[level], c))
            parts.append(Upsample(c, after) if level > 0 else nn.Conv2d(c, after, 3, padding=1, bias=False))
            self.ups.append(nn.ModuleList(parts))
        self.final_res_block = block(0, 2 * width, width, True)
        self.final_conv = nn.Conv2d(width, 3 * folds, 3, padding=1)

    def forward(
        self,
        x: Tensor,
        mu: Tensor,
        t: Tensor,
        text: Tensor,
        degradation: Tensor,
        told: Optional[Tensor] = None,
        view: Optional[Tensor] = None,
    ) -> Tensor:
        patches = x.shape[0] // t.shape[0]
        time = self.fuse(t, text, degradation, told)
        context = text[:, None, :]
        seen = context if view is None else torch.cat([context, view], dim=1)
        return self.trunk(x, mu, repeat_rows(time, patches), repeat_rows(context, patches), seen)

    def trunk(self, x: Tensor, mu: Tensor, time: Tensor, context: Tensor, seen: Tensor) -> Tensor:
        """What is done to pixels: time [N,4 width], context [N,1,C], seen [M,1 + S,C]. Computes as its weights do."""
        network = self.network
        fold = network["unshuffle"]
        depth = len(network["multipliers"])
        height, wide = x.shape[2:]
        given = network["input"]
        h = torch.cat([(x - mu) * given["scale"], (mu - given["centre"]) * given["scale"]], dim=1)
        multiple = 2**depth if fold == 1 else fold * 2 ** (depth - 1)
        margins = (-wide % multiple, -height % multiple)
        if any(margins):
            h = F.pad(h, (0, margins[0], 0, margins[1]), mode="reflect")
        weight = self.init_conv.weight
        folded = laid_out(F.pixel_unshuffle(h, fold).to(weight.dtype))
        time, context, seen = time.to(weight.dtype), context.to(weight.dtype), seen.to(weight.dtype)
        contexts = {"none": (), "linear": (), "transformer": (context,), "view": (seen,)}
        stem = h = self.init_conv(folded)
        skips = []
        for parts, count, kind in zip(self.downs, self.counts, self.kinds):
            for i in range(count):
                h = parts[i](h, time)
                if i == count - 1:
                    h = parts[count](h, *contexts[kind])
                skips.append(h)
            h = parts[count + 1](h)
        h = self.mid_block1(h, time)
        h = self.mid_attn(h, *contexts[self.middle])
        h = self.mid_block2(h, time)
        for parts, count, kind in zip(self.ups, reversed(self.counts), reversed(self.kinds)):
            for i in range(count):
                h = parts[i](torch.cat([h, skips.pop()], dim=1), time)
            h = parts[count](h, *contexts[kind])
            h = parts[count + 1](h)
        h = self.final_res_block(torch.cat([h, stem], dim=1), time)
        return F.pixel_shuffle(self.final_conv(h).float(), fold)[:, :, :height, :wide]


def repeat_rows(x: Tensor, times: int) -> Tensor:
    """Rows of x [M,...], each K times in a row: [M K,...]."""
    return x if times == 1 else x[:, None].expand(-1, times, *x.shape[1:]).flatten(0, 1)
