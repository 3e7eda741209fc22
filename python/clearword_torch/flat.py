"""Parameters as parts of one flat vector, in the order in which checkpoints keep them."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import torch
from torch import Tensor, nn

from .system import parameter_named


class Entry(NamedTuple):
    name: str
    shape: Sequence[int]
    offset: int
    size: int


def entries_of(layout: Sequence[Dict[str, Any]]) -> List[Entry]:
    """[{name, shape}] with the places in the vector."""
    entries, offset = [], 0
    for item in layout:
        size = 1
        for side in item["shape"]:
            size *= side
        entries.append(Entry(item["name"], item["shape"], offset, size))
        offset += size
    return entries


class FlatParameters:
    """Makes the parameters of a module views of buffers that are filled from float32 vectors [P].

    low: which parameters the module computes with in `dtype`; the others stay float32. The vectors themselves are float32
    always: what is trained is not rounded.
    only: beginnings of the names of the parameters that get gradients; None: all do.
    """

    def __init__(
        self,
        module: nn.Module,
        layout: Sequence[Dict[str, Any]],
        device: torch.device,
        dtype: torch.dtype,
        low: Callable[[str], bool],
        only: Optional[Sequence[str]] = None,
    ) -> None:
        self.entries = entries_of(layout)
        self.size = self.entries[-1].offset + self.entries[-1].size
        known = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
        given = {entry.name: tuple(entry.shape) for entry in self.entries}
        if known != given:
            unlike = sorted(set(known.items()) ^ set(given.items()))
            raise ValueError(f"expected the same parameters on both sides, received these on one alone: {unlike[:6]}")
        self.full = torch.zeros(self.size, device=device)
        self.low = torch.zeros(self.size, device=device, dtype=dtype) if dtype != torch.float32 else None
        self.parameters: List[nn.Parameter] = []
        for name, shape, offset, size in self.entries:
            source = self.low if self.low is not None and low(name) else self.full
            owner, last = parameter_named(module, name)
            wanted = only is None or name.startswith(tuple(only))
            parameter = nn.Parameter(source[offset : offset + size].view(tuple(shape)), requires_grad=wanted)
            setattr(owner, last, parameter)
            self.parameters.append(parameter)

    def views(self, vector: Tensor) -> List[Tensor]:
        """Parts of a vector [P] in the shapes of the parameters."""
        return [vector[offset : offset + size].view(tuple(shape)) for _, shape, offset, size in self.entries]

    @torch.no_grad()
    def load(self, vector: Tensor) -> None:
        """Takes the values of a vector [P]."""
        self.full.copy_(vector)
        if self.low is not None:
            self.low.copy_(vector)

    @torch.no_grad()
    def collect(self, views: Sequence[Tensor]) -> None:
        """Adds the gradients to the parts of a vector, and forgets them."""
        for view, parameter in zip(views, self.parameters):
            if parameter.grad is not None:
                view.add_(parameter.grad)
                parameter.grad = None
