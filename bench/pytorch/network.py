"""TIFB and ERUNet in PyTorch, from the same presets as src/models."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from blocks import LinearAttention, ResidualBlock, Residual, SpatialTransformer


class Sinusoid(nn.Module):
    """t [N] -> [N,width]: sin and then cos of t exp(-ln(10000) i / (width/2 - 1))."""

    def __init__(self, width):
        super().__init__()
        half = width // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10000) / (half - 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, t):
        angles = t[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class Tifb(nn.Module):
    """time(t) + Linear(softmax(MLP(p)) P); its parameters lie beside those of the network."""

    def __init__(self, width, fusion):
        super().__init__()
        features = 4 * width
        self.fusion = fusion
        self.time_mlp = nn.Sequential(
            Sinusoid(width), nn.Linear(width, features), nn.GELU(), nn.Linear(features, features)
        )
        if fusion["mode"] == "none":
            return
        joined = fusion["context"] * (2 if fusion["mode"] == "concat" else 1)
        self.text_mlp = nn.Sequential(nn.Linear(joined, features), nn.SiLU(), nn.Linear(features, features))
        self.prompt = nn.Parameter(torch.zeros(1, features))
        self.prompt_mlp = nn.Linear(features, features)

    def fuse(self, t, text, degradation):
        time = self.time_mlp(t)
        if self.fusion["mode"] == "none":
            return time
        joined = text + degradation if self.fusion["mode"] == "sum" else torch.cat([text, degradation], dim=1)
        chosen = self.text_mlp(joined * self.fusion["embeddingScale"]).softmax(dim=-1) * self.prompt
        return time + self.prompt_mlp(chosen)


class Upsample(nn.Sequential):
    """Nearest neighbours x2, then a 3x3 convolution, which is place 1."""

    def __init__(self, channels, out):
        super().__init__(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(channels, out, 3, padding=1))


class Erunet(Tifb):
    def __init__(self, network, fusion):
        super().__init__(network["width"], fusion)
        width, multipliers, counts = network["width"], network["multipliers"], network["blocks"]
        self.network = network
        self.counts = counts
        last = len(multipliers) - 1
        channels = [round(width * m) for m in [1, *multipliers]]
        features, context = 4 * width, fusion["context"]

        def block(level, inputs, out, decoder):
            kernel = network["kernels"][level] if level < len(network["kernels"]) else 7
            return ResidualBlock(inputs, out, features, kernel, network["expansion"], decoder)

        def attention(level, c):
            kind = network["attention"][level] if level < len(network["attention"]) else "none"
            if kind == "linear":
                return Residual(c, LinearAttention(c))
            return Residual(c, SpatialTransformer(c, context)) if kind == "transformer" else nn.Identity()

        stem = network["stemKernel"]
        folds = network["unshuffle"] ** 2
        self.init_conv = nn.Conv2d(6 * folds, width, stem, padding=stem // 2, bias=False)
        self.downs = nn.ModuleList()
        for level in range(last + 1):
            c, after = channels[level], channels[level + 1]
            parts = [block(level, c, c, False) for _ in range(counts[level])]
            parts.append(attention(level, c))
            if level < last:
                parts.append(nn.Conv2d(c, after, 4, stride=2, padding=1))
            else:
                parts.append(nn.Conv2d(c, after, 3, padding=1, bias=False))
            self.downs.append(nn.ModuleList(parts))
        bottom = channels[last + 1]
        self.mid_block1 = block(last, bottom, bottom, False)
        self.mid_attn = Residual(bottom, SpatialTransformer(bottom, context))
        self.mid_block2 = block(last, bottom, bottom, False)
        self.ups = nn.ModuleList()
        for level in reversed(range(last + 1)):
            c, skip, after = channels[level + 1], channels[level], channels[level]
            parts = [block(level, c + skip, c, True) for _ in range(counts[level])]
            parts.append(attention(level, c))
            parts.append(Upsample(c, after) if level > 0 else nn.Conv2d(c, after, 3, padding=1, bias=False))
            self.ups.append(nn.ModuleList(parts))
        self.final_res_block = block(0, 2 * width, width, True)
        self.final_conv = nn.Conv2d(width, 3 * folds, 3, padding=1)

    def forward(self, x, mu, t, text, degradation):
        network = self.network
        fold = network["unshuffle"]
        depth = len(network["multipliers"])
        height, wide = x.shape[2:]
        context = text[:, None, :]
        time = self.fuse(t, text, degradation)
        given = network["input"]
        h = torch.cat([(x - mu) * given["scale"], (mu - given["centre"]) * given["scale"]], dim=1)
        multiple = 2**depth if fold == 1 else fold * 2 ** (depth - 1)
        h = F.pad(h, (0, -wide % multiple, 0, -height % multiple), mode="reflect")
        stem = h = self.init_conv(F.pixel_unshuffle(h, fold))
        skips = []
        for parts, count in zip(self.downs, self.counts):
            for i in range(count):
                h = parts[i](h, time)
                if i == count - 1:
                    h = self.attend(parts[count], h, context)
                skips.append(h)
            h = parts[count + 1](h)
        h = self.mid_block1(h, time)
        h = self.mid_attn(h, context)
        h = self.mid_block2(h, time)
        for parts, count in zip(self.ups, reversed(self.counts)):
            for i in range(count):
                h = parts[i](torch.cat([h, skips.pop()], dim=1), time)
            h = self.attend(parts[count], h, context)
            h = parts[count + 1](h)
        h = self.final_res_block(torch.cat([h, stem], dim=1), time)
        return F.pixel_shuffle(self.final_conv(h), fold)[:, :, :height, :wide]

    @staticmethod
    def attend(part, h, context):
        return h if isinstance(part, nn.Identity) else part(h, context)
