"""How depthwise convolutions are computed fastest on a card: libraries differ tenfold there, and from version to version."""

from __future__ import annotations

import sys
import time
from typing import Callable, Dict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Erb

#: What is timed: so many samples of so many pixels a side, so often.
SAMPLES, SIDE, RUNS = 256, 32, 5

#: Ways to lay out the input x [N,C,H,W].
LAYOUTS: Dict[str, Callable[[Tensor], Tensor]] = {
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "channels first": lambda x: x.contiguous(),
}


def milliseconds(conv: nn.Conv2d, layout: Callable[[Tensor], Tensor], device: torch.device, dtype: torch.dtype) -> float:
    """Time of one convolution forward and backward, whose neighbours have channels last."""
    x = torch.randn(SAMPLES, conv.in_channels, SIDE, SIDE, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = conv.weight.detach().to(device, dtype).requires_grad_()
    best = float("inf")
    for _ in range(RUNS):
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        y = F.conv2d(layout(x), weight, None, padding=conv.padding, groups=conv.groups)
        y = y.contiguous(memory_format=torch.channels_last)
        torch.autograd.grad(y, [x, weight], torch.ones_like(y))
        torch.cuda.synchronize(device)
        best = min(best, 1000 * (time.perf_counter() - start))
    return best


def tune_depthwise(network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """Times the layouts with the first efficient restoration block's convolution, and sets the fastest for all."""
    blocks = [module for module in network.modules() if isinstance(module, Erb)]
    if not blocks:
        return
    times = {name: milliseconds(blocks[0].dwconv, layout, device, dtype) for name, layout in LAYOUTS.items()}
    best = min(times, key=lambda name: times[name])
    for block in blocks:
        block.channels_first = best == "channels first"
    said = ", ".join(f"{name} {value:.2f} ms" for name, value in times.items())
    print(f"clearword_torch: depthwise convolutions: {said}", file=sys.stderr, flush=True)
