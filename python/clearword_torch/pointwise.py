"""How maps of pixels are laid out, and 1x1 convolutions of them as products of matrices."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def laid_out(x: Tensor) -> Tensor:
    """Maps [N,C,H,W] with channels last, where convolutions are faster so."""
    faster = x.is_cuda or x.dtype != torch.float32
    return x.contiguous(memory_format=torch.channels_last) if faster else x


class Pointwise(nn.Conv2d):
    """A 1x1 convolution of [N,C,H,W].

    Over channels last it is a linear layer. cuDNN 9.19 computes it there, in bfloat16, without tensor cores: the sixteen of
    `lite` were a quarter of a training step on an H200 (docs/training.md).
    """

    def __init__(self, channels: int, out: int, bias: bool = True) -> None:
        super().__init__(channels, out, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_contiguous(memory_format=torch.channels_last):
            return super().forward(x)
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
