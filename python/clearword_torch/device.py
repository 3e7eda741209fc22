"""What computes, and in which precision."""

from __future__ import annotations

import os
import time
from typing import Callable

import torch

# How much faster bfloat16 has to be than float32 for the whole of a step to gain by it.
WORTH = 2.0


def kind_of(choice: str) -> str:
    """cuda or cpu. Raises ValueError where a card is asked for and PyTorch finds none."""
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if choice == "auto" else choice
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("expected a CUDA device, which PyTorch does not find")
    return kind


def device_of(choice: str, ranks: int) -> torch.device:
    kind = kind_of(choice)
    if kind == "cpu" or ranks == 1:
        return torch.device(kind)
    # One card for each rank of a machine.
    return torch.device(kind, int(os.environ.get("LOCAL_RANK", 0)))


def has_amx() -> bool:
    """Whether this processor multiplies matrices of bfloat16 in hardware; without that they are slower than float32."""
    try:
        with open("/proc/cpuinfo") as file:
            return "amx_bf16" in file.read()
    except OSError:
        return False


def seconds_of(dtype: torch.dtype, side: int = 64) -> float:
    """Shortest of a few times of a convolution as the networks have them, over maps of this side, forward and backward."""
    convolution = torch.nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(8, 64, side, side).to(memory_format=torch.channels_last)

    def once() -> float:
        began = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            convolution(x).float().sum().backward()
        return time.perf_counter() - began

    once()
    return min(once() for _ in range(3))


def bfloat16_pays(seconds: Callable[[torch.dtype], float] = seconds_of) -> bool:
    """Whether this processor has bfloat16 in hardware, and is much faster by it than in float32."""
    return has_amx() and WORTH * seconds(torch.bfloat16) <= seconds(torch.float32)


def dtype_of(precision: str, device: torch.device) -> torch.dtype:
    if precision == "auto":
        able = torch.cuda.is_bf16_supported() if device.type == "cuda" else has_amx()
        return torch.bfloat16 if able else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
