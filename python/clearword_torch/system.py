"""A preset's networks together, and the losses of a batch."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders import Controller, TextEncoder
from .losses import LOSSES, noisy_state, sample_errors
from .network import Erunet, repeat_rows

#: Scalars that a step reports.
PARTS = ("loss", "restoration", "contrastive", "strength", "intent")

#: Parameters that pixels are computed with, by the beginning of their names.
PIXELS = (
    "init_conv",
    "downs",
    "mid_",
    "ups",
    "final_",
    "controller.convs",
    "controller.view.convs",
    "controller.detector.convs",
    "controller.detector.attention",
)


class System(Erunet):
    """ERUNet, with encoders of its own where the preset has them."""

    def __init__(self, preset: Dict[str, Any]) -> None:
        degradations = len(preset["degradations"])
        super().__init__(preset["network"], preset["fusion"], degradations)
        self.predicts_picture = preset["parameterisation"] == "data"
        own, context = preset.get("encoders"), preset["fusion"]["context"]
        self.own = own is not None
        if own is not None:
            self.text = TextEncoder(own["text"], context, degradations)
            self.controller = Controller(own["controller"], context, degradations)
        self.interpret()

    def interpret(self) -> None:
        """What is done to pixels is run as it is written."""
        self.pixels: Callable[..., Tensor] = self.trunk
        self.look: Callable[..., Any] = self.controller.statistics if self.own else self.trunk

    def compile_pixels(self) -> None:
        """What is done to pixels is compiled: it is nearly all of the work, and of one shape in every step."""
        self.pixels = torch.compile(self.trunk, dynamic=False)
        if self.own:
            self.look = torch.compile(self.controller.statistics, dynamic=False)

    @contextlib.contextmanager
    def interpreted(self) -> Iterator[None]:
        """As it is written, for a while."""
        kept = self.pixels, self.look
        self.interpret()
        try:
            yield
        finally:
            self.pixels, self.look = kept

    def predict(
        self,
        x: Tensor,
        given: Dict[str, Tensor],
        text: Tensor,
        degradation: Tensor,
        told: Optional[Tensor] = None,
        view: Optional[Tensor] = None,
    ) -> Tensor:
        """eps_hat, or x0_hat."""
        mu, t = given["mu"], given["t"]
        patches = len(mu) // len(t)
        time = self.fuse(t, text, degradation, told)
        context = text[:, None, :]
        seen = context if view is None else torch.cat([context, view], dim=1)
        raw = self.pixels(x, mu, repeat_rows(time, patches), repeat_rows(context, patches), seen)
        return mu + raw if self.predicts_picture else raw

    def losses(self, given: Dict[str, Tensor], settings: Dict[str, Any]) -> Tuple[Dict[str, Tensor], Tensor]:
        """The parts of the loss of a batch, means over its samples, and the mean squared error of each sample [N]."""
        x = noisy_state(given)
        zero = x.new_zeros(())
        parts = dict.fromkeys(PARTS, zero)
        if not self.own:
            output = self.predict(x, given, given["text"], given["degradation"])
            parts["loss"] = parts["restoration"] = LOSSES[settings["loss"]](given, x, output)
            return parts, sample_errors(output, given["x0"]).detach()
        m, mu = len(given["t"]), given["mu"]
        embedding, intent = self.text(given["texts.pieces"], given["texts.weights"], given["texts.mask"])
        close = self.look(mu)
        found = self.controller(close, len(mu) // m, given.get("view"))
        output = mu
        if settings["loss"] != "none" or not torch.is_grad_enabled():
            told = told_strengths(given["told"], found.strength_logits.sigmoid()) if "told" in given else None
            output = self.predict(x, given, embedding[:m], found.embedding, told, found.tokens)
        parts["restoration"] = zero if settings["loss"] == "none" else LOSSES[settings["loss"]](given, x, output)
        parts["contrastive"] = self.controller.naming_loss(found, embedding[m:], given)
        parts["strength"] = F.binary_cross_entropy_with_logits(found.strength_logits, given["strengths"])
        parts["intent"] = F.binary_cross_entropy_with_logits(intent[:m], given["asked"])
        auxiliary = ("contrastive", "strength", "intent")
        parts["loss"] = parts["restoration"] + sum(settings["auxiliary"][name] * parts[name] for name in auxiliary)
        return parts, sample_errors(output, given["x0"]).detach()

    def computes_pixels(self, name: str) -> bool:
        return name.startswith(PIXELS)


def told_strengths(given: Tensor, estimate: Tensor) -> Tensor:
    """What is known of the strengths as it was given [M,2D], and the controller's estimate [M,D] in the place of the rest."""
    strength, known = given.chunk(2, dim=1)
    return torch.cat([strength + estimate * (1 - known), known], dim=1)


def parameter_named(module: nn.Module, name: str) -> Tuple[nn.Module, str]:
    """The module that a parameter belongs to, and its name there."""
    *path, last = name.split(".")
    for part in path:
        module = getattr(module, part) if not part.isdigit() else module[int(part)]  # type: ignore[index]
    return module, last
