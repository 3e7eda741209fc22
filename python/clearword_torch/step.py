"""A training step on one device: what TypeScript sends, forward, backward, update."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

import torch
from torch import Tensor

from .depthwise import tune_depthwise
from .device import device_of, dtype_of
from .flat import FlatParameters
from .optimisers import Optimiser, Vectors
from .parts import cut, more_parts
from .ranks import Ranks
from .recording import CAN_RECORD, Recording, form_of
from .system import PARTS, System

Tensors = Dict[str, Tensor]
Result = TypeVar("Result")

#: Steps that are timed as the networks are written, and again as they are compiled.
TRIED = 6

#: Steps on a card before one is recorded: by then libraries have chosen their kernels.
LAUNCHED = 4


class Trial:
    """Times of the first steps, ms: half of them before the networks are compiled."""

    def __init__(self) -> None:
        self.times: List[float] = []

    def fastest(self) -> Tuple[float, float]:
        return min(self.times[:TRIED]), min(self.times[TRIED:])


def warn(message: str) -> None:
    """Tells the user. A note is a line, so that it is told from what libraries print; their errors may have several."""
    print(f"clearword_torch: {' '.join(message.split())}", file=sys.stderr, flush=True)


class TrainingStep:
    """Networks, optimiser and the resident vectors."""

    def __init__(self, settings: Dict[str, Any], vectors: Tensors, ranks: Optional[Ranks] = None) -> None:
        self.settings = settings
        self.ranks = ranks or Ranks(0, 1)
        self.device = device_of(settings["device"], self.ranks.count)
        self.ranks.use(self.device)
        self.dtype = dtype_of(settings["precision"], self.device)
        on_card = self.device.type == "cuda"
        if on_card:
            torch.backends.cudnn.benchmark = True
            # Beside bfloat16 the rest need not be exacter; in float32 a run on a card is comparable with one on a CPU.
            torch.set_float32_matmul_precision("high" if self.dtype != torch.float32 else "highest")
            if self.dtype == torch.float32:
                torch.backends.cudnn.allow_tf32 = False
        self.vectors = Vectors(*(vectors[name].to(self.device) for name in Vectors._fields))
        self.system = System(settings["preset"])
        # Processors have no fast depthwise kernels in bfloat16.
        low = self.system.computes_pixels if on_card else (
            lambda name: self.system.computes_pixels(name) and ".dwconv." not in name
        )
        self.system.to(self.device)
        if on_card and self.dtype != torch.float32:
            tune_depthwise(self.system, self.device, self.dtype)
        self.flat = FlatParameters(self.system, settings["layout"], self.device, self.dtype, low, settings.get("only"))
        for name, vector in zip(Vectors._fields, self.vectors):
            if len(vector) != self.flat.size:
                raise ValueError(f"{name}: expected {self.flat.size} values, received {len(vector)}")
        self.optimiser = Optimiser(settings["optimiser"], self.flat.size, self.device)
        self.gradient = torch.zeros(self.flat.size, device=self.device)
        self.gradient_views = self.flat.views(self.gradient)
        self.generator = torch.Generator(self.device)
        #: False from the first step on that was not finite: nothing changes any more.
        self.alive = torch.ones((), dtype=torch.bool, device=self.device)
        self.parts = settings.get("parts", 1)
        wanted = settings["compile"]
        able = hasattr(torch, "compile")
        self.compiled = able and wanted is True
        if self.compiled:
            self.system.compile_pixels()
        self.trial = Trial() if able and wanted == "auto" and on_card else None
        self.recordable = CAN_RECORD and on_card and self.ranks.count == 1
        self.recording: Optional[Recording] = None
        self.launches = 0

    def upload(self, tensors: Tensors) -> Tensors:
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in tensors.items()}

    def step(self, batch: Tensors, drawn: Tensors, header: Dict[str, Any]) -> Tensor:
        """One step; the losses' parts, the gradient's length and the samples' errors, [5 + 1 + N] on the device."""
        given = self.given(batch, drawn, header)
        # On the device as well: a recorded step has other values every time.
        names, values = zip(*sorted(header["scalars"].items()))
        scalars = dict(zip(names, torch.tensor(values, dtype=torch.float64).to(self.device, non_blocking=True)))
        if self.recordable and self.trial is None:
            return self.replayed(given, scalars)
        return self.launched(given, scalars)

    def launched(self, given: Tensors, scalars: Tensors) -> Tensor:
        """A whole step, operation by operation."""
        if self.trial is None:
            parts, errors = self.attempt(lambda: self.gradients(given), self.own_pictures(given))
        else:
            parts, errors = self.try_compiling(given, self.trial)
        return self.update(parts, errors, scalars)

    def update(self, parts: Tensor, errors: Tensor, scalars: Tensors) -> Tensor:
        """What follows the gradient: the update, and what the step reports."""
        self.ranks.add_up(self.gradient, parts, errors)
        self.alive &= torch.isfinite(parts[0])
        length = self.optimiser.update(self.vectors, self.gradient, self.alive, scalars)
        return torch.cat([parts, length[None], errors])

    def replayed(self, given: Tensors, scalars: Tensors) -> Tensor:
        """A whole step from its recording, which is made as soon as libraries have chosen their kernels."""
        if self.recording is not None and self.recording.form == form_of(given, scalars):
            return self.recording.replay(given, scalars)
        self.launches += 1
        if self.recording is None and self.launches > LAUNCHED:
            try:
                self.recording = self.record(given, scalars)
                return self.recording.replay(given, scalars)
            except Exception as error:
                self.recordable = False
                self.forget_gradients()
                torch.cuda.synchronize(self.device)
                warn(f"a step cannot be recorded, its operations are launched one by one: {str(error).strip()[:600]}")
        return self.launched(given, scalars)

    def record(self, given: Tensors, scalars: Tensors) -> Recording:
        """Raises an error where the card cannot record, or a recorded step is not what a launched one is."""

        def run(given: Tensors, scalars: Tensors) -> Tensor:
            return self.update(*self.gradients(given), scalars)

        def expect(given: Tensors, _scalars: Tensors) -> Tensor:
            parts, _ = self.gradients(given)
            return torch.cat([parts, self.gradient.square().sum().sqrt()[None]])

        before = [vector.clone() for vector in (*self.vectors, self.alive)]
        recording = Recording(run, expect, given, scalars)
        found = recording.replay(given, scalars)[: len(recording.expected)]
        for vector, value in zip((*self.vectors, self.alive), before):
            vector.copy_(value)
        # Sums of another order, in bfloat16.
        if not torch.allclose(found, recording.expected, rtol=0.02, atol=1e-3, equal_nan=True):
            raise RuntimeError(f"expected {recording.expected.tolist()}, received {found.tolist()}")
        return recording

    def try_compiling(self, given: Tensors, trial: Trial) -> Tuple[Tensor, Tensor]:
        """A step of the trial that decides whether the networks are worth compiling."""
        torch.cuda.synchronize(self.device)
        start = time.perf_counter()
        result = self.attempt(lambda: self.gradients(given), self.own_pictures(given))
        torch.cuda.synchronize(self.device)
        trial.times.append(1000 * (time.perf_counter() - start))
        if len(trial.times) == TRIED:
            self.compiled = True
            self.system.compile_pixels()
        elif len(trial.times) >= 2 * TRIED:
            self.trial = None
            plain, compiled = trial.fastest()
            if self.compiled:
                seconds = trial.times[TRIED] / 1000
                warn(f"a step takes {plain:.0f} ms, compiled {compiled:.0f} ms; compiling took {seconds:.0f} s")
            if self.compiled and compiled > plain:
                self.compiled = False
                self.system.interpret()
        return result

    def errors(self, batch: Tensors, drawn: Tensors, header: Dict[str, Any]) -> Tensor:
        """Mean squared errors [N] of a batch with the averaged parameters."""
        given = self.given(batch, drawn, header)
        self.flat.load(self.vectors.average)

        def forward() -> Tensor:
            # Interpreted: another graph would be compiled for a few batches.
            with torch.no_grad(), self.system.interpreted():
                found = [self.system.losses(part, self.settings)[1] for part, _ in cut(given, self.parts)]
            return torch.cat(found)

        return self.attempt(forward, len(given["t"]))

    def given(self, batch: Tensors, drawn: Tensors, header: Dict[str, Any]) -> Tensors:
        """The inputs of a step: pictures, mirrored where `flip` [M] says so, and noise, if none is given.

        The noise is that of the whole batch, so that it is the same in any number of parts and ranks.
        """
        given = {**batch, **drawn}
        flip = given.pop("flip", None)
        if flip is not None:
            for name in ("mu", "x0", "view"):
                if name in given:
                    rows = flip.repeat_interleave(len(given[name]) // len(flip))
                    given[name] = torch.where(rows[:, None, None, None] > 0, given[name].flip(3), given[name])
        if "z" not in given:
            seed, step = header["seed"]
            self.generator.manual_seed((seed << 32 ^ step) % 2**63)
            given["z"] = torch.randn(given["mu"].shape, generator=self.generator, device=self.device)
        return given

    def gradients(self, given: Tensors) -> Tuple[Tensor, Tensor]:
        """Leaves this rank's part of the gradient of the batch's loss in its vector; errors [N] are 0 for other ranks' patches."""
        self.flat.load(self.vectors.parameters)
        self.gradient.zero_()
        sums = torch.zeros(len(PARTS), device=self.device)
        pictures = len(given["t"])
        patches = len(given["mu"]) // pictures
        first, last = self.ranks.share(pictures)
        errors = torch.zeros(len(given["mu"]), device=self.device)
        at = first * patches
        for part, share in cut(given, self.parts, first, last):
            parts, found = self.system.losses(part, self.settings)
            (parts["loss"] * share).backward()
            self.flat.collect(self.gradient_views)
            sums += share * torch.stack([parts[name].detach() for name in PARTS])
            errors[at : at + len(found)] = found.detach()
            at += len(found)
        return sums, errors

    def own_pictures(self, given: Tensors) -> int:
        """How many pictures of a batch this rank computes."""
        first, last = self.ranks.share(len(given["t"]))
        return last - first

    def attempt(self, run: Callable[[], Result], pictures: int) -> Result:
        """Runs what computes so many pictures; in smaller parts where memory is short, interpreted where the compiler fails."""
        while True:
            try:
                return run()
            except Exception as error:
                self.forget_gradients()
                short = isinstance(error, torch.cuda.OutOfMemoryError)
                more = more_parts(self.parts, pictures)
                if short and more > self.parts:
                    self.parts = more
                    warn(f"the device's memory is too small: batches are cut into {self.parts} parts")
                elif self.compiled and not short:
                    self.interpret(error)
                else:
                    raise
            # Not before the error is gone: as long as it is there, so is all that it was computed from.
            if short:
                torch.cuda.empty_cache()

    def interpret(self, error: Exception) -> None:
        warn(f"torch.compile failed, going on without it: {str(error).strip()[:600]}")
        self.compiled = False
        self.system.interpret()

    def forget_gradients(self) -> None:
        for parameter in self.flat.parameters:
            parameter.grad = None
