"""A batch in parts, one after the other on the device, where its memory is too small for the whole."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

import torch
from torch import Tensor

Tensors = Dict[str, Tensor]

#: Inputs with a row for each patch; the others have one for each picture, and texts some more.
OF_PATCHES = ("mu", "x0", "z", "state.", "eulerMean.", "optimum.")

#: Most parts that a batch is cut into.
MOST_PARTS = 64


def cut(given: Tensors, parts: int, first: int = 0, last: Optional[int] = None) -> Iterator[Tuple[Tensors, float]]:
    """Parts of a range of pictures with their shares of the batch. All losses are means over pictures of one size.

    Pixels come as they were sent, in 8 bits, and are numbers in 0..1 in their part alone: these take four times as much memory.
    """
    pictures = len(given["t"])
    last = pictures if last is None else last
    patches = len(given["mu"]) // pictures
    size = -(-(last - first) // parts)
    if size >= pictures:
        yield in_units(given), 1.0
        return

    def rows(name: str, value: Tensor, a: int, b: int) -> Tensor:
        if name.startswith(OF_PATCHES):
            return value[a * patches : b * patches]
        return torch.cat([value[a:b], value[pictures:]]) if name.startswith("texts.") else value[a:b]

    for a in range(first, last, size):
        b = min(last, a + size)
        yield in_units({name: rows(name, value, a, b) for name, value in given.items()}), (b - a) / pictures


def in_units(given: Tensors) -> Tensors:
    return {name: value.float().div(255) if value.dtype == torch.uint8 else value for name, value in given.items()}


def more_parts(parts: int, pictures: int) -> int:
    """Twice as many, but no more than there are pictures; as many as before where that is the end."""
    return max(parts, min(2 * parts, MOST_PARTS, pictures))
