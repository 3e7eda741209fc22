"""A step on a card as one graph that is recorded once: thousands of launches cost the processor as much as one."""

from __future__ import annotations

import inspect
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

Tensors = Dict[str, Tensor]
#: Names and shapes of a step's inputs: another step of the same form can be replayed.
Form = List[Tuple[str, Tuple[int, ...]]]


#: PyTorch 2.1 and later can record while other threads use the card; before, their calls would break the recording.
CAN_RECORD = "capture_error_mode" in inspect.signature(torch.cuda.graph).parameters


def form_of(*groups: Tensors) -> Form:
    return [(name, tuple(value.shape)) for group in groups for name, value in group.items()]


class Recording:
    """What `run` launches for groups of inputs of one form, with places of its own for them. Nothing in it may wait for the card.

    expect: launches the same without effects that last, on the stream that is recorded, so that libraries are set up there; what
    it gives is kept in `expected`.
    """

    def __init__(self, run: Callable[..., Tensor], expect: Callable[..., Tensor], *groups: Tensors) -> None:
        self.form = form_of(*groups)
        self.groups = [{name: value.clone() for name, value in group.items()} for group in groups]
        device = next(iter(groups[0].values())).device
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            self.expected = expect(*self.groups)
        torch.cuda.synchronize(device)
        self.graph = torch.cuda.CUDAGraph()
        # Other threads go on reading messages into pinned memory and waiting for events.
        with torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.output = run(*self.groups)

    def replay(self, *groups: Tensors) -> Tensor:
        for kept, group in zip(self.groups, groups):
            for name, value in group.items():
                kept[name].copy_(value)
        self.graph.replay()
        return self.output.clone()
