"""The restoration losses of src/train/objective.ts. Pictures are [N,3,H,W]; `given` has the objective's weights [N,1,1,1]."""

from __future__ import annotations

from typing import Callable, Dict

from torch import Tensor

Given = Dict[str, Tensor]

CHARBONNIER_EPSILON = 1e-3
PSNR_EPSILON = 5e-3


def noisy_state(given: Given) -> Tensor:
    """x_t = a x0 + b mu + c z."""
    return given["x0"] * given["state.x0"] + given["mu"] * given["state.mu"] + given["z"] * given["state.z"]


def sample_errors(a: Tensor, b: Tensor) -> Tensor:
    """Mean of (a - b)^2 in each sample, [N]."""
    return (a - b).square().flatten(1).mean(dim=1)


def matching(given: Given, x: Tensor, output: Tensor) -> Tensor:
    """mean |E - O|: the distance of the Euler mean from the most likely state before."""
    euler = x * given["eulerMean.x"] + given["mu"] * given["eulerMean.mu"] + output * given["eulerMean.output"]
    best = x * given["optimum.x"] + given["x0"] * given["optimum.x0"] + given["mu"] * given["optimum.mu"]
    return (euler - best).abs().mean()


def l1(given: Given, _x: Tensor, output: Tensor) -> Tensor:
    return (output - given["x0"]).abs().mean()


def l2(given: Given, _x: Tensor, output: Tensor) -> Tensor:
    return (output - given["x0"]).square().mean()


def charbonnier(given: Given, _x: Tensor, output: Tensor) -> Tensor:
    return ((output - given["x0"]).square() + CHARBONNIER_EPSILON**2).sqrt().mean()


def psnr(given: Given, _x: Tensor, output: Tensor) -> Tensor:
    """Mean of the samples' ln RMSE."""
    return 0.5 * (sample_errors(output, given["x0"]) + PSNR_EPSILON**2).log().mean()


LOSSES: Dict[str, Callable[[Given, Tensor, Tensor], Tensor]] = {
    "matching": matching,
    "l1": l1,
    "l2": l2,
    "charbonnier": charbonnier,
    "psnr": psnr,
}
