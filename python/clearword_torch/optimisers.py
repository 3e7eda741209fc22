"""AdamW and Muon on flat vectors [P], as src/train has them, with gradients clipped by their length.

Nothing waits for the device: whether a step was finite is decided there, and a step that was not changes nothing.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

import torch
from torch import Tensor

#: Coefficients of the quintic that drives singular values towards 1, and how often it is applied (Jordan et al. 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
#: A matrix shorter than this has no direction worth following; one of zeros does not move.
SHORTEST = 1e-7


class Vectors(NamedTuple):
    """What stays on the device from step to step, [P] each."""

    parameters: Tensor
    momentum: Tensor
    variance: Tensor
    average: Tensor


def orthogonalised(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Matrices [B,R,C] with their singular values near 1, by Newton and Schulz."""
    a, b, c = QUINTIC
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = (x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp(min=SHORTEST)).to(dtype)
    for _ in range(ITERATIONS):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.transpose(1, 2) if tall else x).float()


class Muon:
    """The update's direction for matrices: orthogonalised Nesterov momentum times 0.2 sqrt(max(R, C)).

    matrices: [{offset, rows, columns}], places in the flat vector. Those of one shape are one batched product.
    """

    def __init__(self, matrices: List[Dict[str, int]], size: int, device: torch.device) -> None:
        groups: Dict[Tuple[int, int], List[int]] = {}
        for matrix in matrices:
            groups.setdefault((matrix["rows"], matrix["columns"]), []).append(matrix["offset"])
        self.groups = groups
        self.mask = torch.zeros(size, dtype=torch.bool, device=device)
        for (rows, columns), offsets in groups.items():
            for offset in offsets:
                self.mask[offset : offset + rows * columns] = True
        self.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32

    def directions(self, nesterov: Tensor) -> Tensor:
        """[P], zero outside of the matrices."""
        result = torch.zeros_like(nesterov)
        for (rows, columns), offsets in self.groups.items():
            size = rows * columns
            stack = torch.stack([nesterov[o : o + size] for o in offsets]).view(-1, rows, columns)
            flat = (orthogonalised(stack, self.dtype) * (0.2 * max(rows, columns) ** 0.5)).view(len(offsets), size)
            for row, offset in zip(flat, offsets):
                result[offset : offset + size] = row
        return result


class Optimiser:
    """One update of the vectors, in place.

    p = p (1 - lr wd);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    AdamW:  p = p - lr / c1 m / (sqrt(v) / sqrt(c2) + eps);  Muon's matrices:  p = p - lr direction(b1 m + (1 - b1) g)
    average = average d + p (1 - d)
    """

    def __init__(self, config: Dict[str, Any], size: int, device: torch.device) -> None:
        self.config = config
        kind = config.get("kind", "adamw")
        self.muon = Muon(config["matrices"], size, device) if kind == "muon" else None

    @torch.no_grad()
    def update(self, vectors: Vectors, gradient: Tensor, alive: Tensor, scalars: Dict[str, Tensor]) -> Tensor:
        """Updates the vectors if `alive`, a value on the device, and the gradient is finite; returns the gradient's length.

        scalars: those of src/train/schedule.ts, values on the device.
        What is not finite ends `alive`: the vectors stay as they were before.
        """
        config = self.config
        beta1, beta2 = config["betas"]
        parameters, momentum, variance, average = vectors
        # Pairwise sums: PyTorch 1.13 loses four digits of the norm of a long vector.
        length = gradient.square().sum().sqrt()
        limit = config["clipNorm"]
        g = gradient if limit is None else gradient * (limit / length.clamp(min=limit))
        rate = scalars["learningRate"]
        other = scalars.get("otherLearningRate", rate)
        m = momentum * beta1 + g * (1 - beta1)
        v = variance * beta2 + g.square() * (1 - beta2)
        step = m / (v.sqrt() / scalars["correction2"] ** 0.5 + config["eps"]) * (other / scalars["correction1"])
        decay = other * config["weightDecay"]
        kept = parameters * (1 - decay)
        if self.muon is not None:
            directions = self.muon.directions(m * beta1 + g * (1 - beta1))
            step = torch.where(self.muon.mask, directions * rate, step)
            if config["weightDecay"] != 0:
                kept = torch.where(self.muon.mask, parameters * (1 - rate * config["weightDecay"]), kept)
        p = kept - step
        d = scalars["averageDecay"]
        alive &= torch.isfinite(length)
        for old, new in zip(vectors, (p, m, v, average * d + p * (1 - d))):
            old.copy_(torch.where(alive, new, old))
        return length
