"""The blocks of ERUNet, with the parameter names of src/nn/blocks.ts.

Where PyTorch offers several forms of the same arithmetic, the faster is used: linear layers over channels last instead of
1x1 convolutions, and the factor of GRN carried through the second pointwise layer, as the built-in engine does. Weights may
have another precision than what they are applied to: a block computes in that of its weights.
"""

from __future__ import annotations

from typing import Optional, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .pointwise import Pointwise


class Grn(nn.Module):
    """The factor of GRN(v) = v factor + beta, for v [N,L,C].

    1 + gamma N, N = G / mean(G), G = |v| over L; or, where the network is told of the picture, 1 + Linear(SiLU(time)).
    """

    def __init__(self, channels: int, features: Optional[int]) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))
        if features is None:
            self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        else:
            self.told = nn.Linear(features, channels)

    def factor(self, v: Tensor, time: Tensor) -> Tensor:
        """[N,C]."""
        if hasattr(self, "told"):
            return 1 + self.told(F.silu(time))
        # Sums over thousands of positions want float32.
        norm = torch.linalg.vector_norm(v, dim=1, dtype=torch.float32)
        relative = norm / (norm.mean(dim=-1, keepdim=True) + 1e-6)
        return 1 + self.gamma.view(-1) * relative


class Erb(nn.Module):
    """u = x + LN(GELU(DW(x))); y = u + PW2(GRN(GELU(PW1(u)))) for [N,C,H,W]."""

    def __init__(self, channels: int, kernel: int, expansion: int, told: Optional[int]) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, expansion * channels)
        self.grn = Grn(expansion * channels, told)
        self.pwconv2 = nn.Linear(expansion * channels, channels)
        #: Whether the depthwise convolution wants its input laid out so.
        self.channels_first = False

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        n, c, height, width = x.shape
        given = x.to(self.dwconv.weight.dtype)
        spread = self.dwconv(given.contiguous() if self.channels_first else given)
        if self.channels_first:
            spread = spread.contiguous(memory_format=torch.channels_last)
        spread = F.gelu(spread.permute(0, 2, 3, 1)).to(x.dtype)
        u = (x.permute(0, 2, 3, 1) + self.norm(spread)).reshape(n, height * width, c)
        v = F.gelu(self.pwconv1(u))
        weight = self.pwconv2.weight.t()
        # One W2 a picture [N,eC,C]: two passes over the widest tensor less. Beta becomes a part of the bias.
        rows = (self.grn.factor(v, time)[:, :, None] * weight).to(v.dtype)
        carried = self.grn.beta.view(1, -1) @ weight + self.pwconv2.bias
        y = u + (torch.bmm(v, rows) + carried)
        return y.reshape(n, height, width, c).permute(0, 3, 1, 2)


class Inner(nn.Module):
    """One inner transform of a residual block, with its parameters under `proj`."""

    def __init__(self, channels: int, out: int, kind: str, decoder: bool, erb: Sequence) -> None:
        super().__init__()
        if kind == "plain":
            self.proj = nn.ModuleList([nn.Conv2d(channels, out, 3, padding=1)])
        elif decoder:
            self.proj = nn.ModuleList([Pointwise(channels, out), Erb(out, *erb)])
        else:
            self.proj = nn.ModuleList([Erb(channels, *erb)])

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        for part in self.proj:
            x = part(x, time) if isinstance(part, Erb) else part(x)
        return x


class ResidualBlock(nn.Module):
    """h = SiLU(B1(x) (1 + scale) + shift); h = SiLU(B2(h)); y = h + skip(x).

    `erb` has the side of the depthwise kernel, the expansion, and the features of the time embedding where GRN is told.
    """

    def __init__(self, channels: int, out: int, features: int, kind: str, decoder: bool, erb: Sequence) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(features, 2 * out))
        self.block1 = Inner(channels, out, kind, decoder, erb)
        self.block2 = Inner(out, out, kind, decoder, erb)
        self.res_conv = nn.Identity() if channels == out else Pointwise(channels, out, bias=False)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.mlp(time)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(self.block1(x, time) * (scale + 1) + shift)
        return F.silu(self.block2(h, time)) + self.res_conv(x)


class Upsample(nn.Sequential):
    """Nearest neighbours x2, then a 3x3 convolution, which is place 1."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(channels, out, 3, padding=1))
