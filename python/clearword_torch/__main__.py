"""The process that `clearword train` starts: requests on standard input, answers on standard output.

One thread reads, this one launches work, one answers: a step is launched before the one before it is done, and no thread
waits for the device but the one that answers. Ends when its input does, and with its parent.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any, Callable, Dict, Optional, Tuple

import torch
from torch import Tensor

from .device import kind_of
from .messages import Message, read_message, write_message
from .optimisers import Vectors
from .ranks import Ranks, give_up
from .step import TrainingStep
from .system import PARTS

#: The oldest PyTorch that has what is used here.
OLDEST = (1, 13)

#: How the process ends where PyTorch is older.
TOO_OLD = 3

#: Messages read ahead of the work.
AHEAD = 8

Answer = Tuple[Dict[str, Any], Dict[str, Tensor]]
#: Waits for the device and says what to answer.
Waiting = Callable[[], Answer]


def die_with_parent() -> None:
    """Linux ends this process when its parent is gone, however that happened; elsewhere the end of input does."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


class Timer:
    """Time that the device spends on what is launched between start and stop."""

    def __init__(self, device: torch.device) -> None:
        self.card = device.type == "cuda"
        self.first, self.last = self.mark(), self.mark()

    def mark(self) -> Any:
        if not self.card:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def stop(self) -> None:
        self.last = self.mark()

    def milliseconds(self) -> float:
        """Waits until the work is done."""
        if not self.card:
            return 1000 * (self.last - self.first)
        self.last.synchronize()
        return self.first.elapsed_time(self.last)


class Server:
    """Answers requests about one training step."""

    def __init__(self, ranks: Optional[Ranks] = None) -> None:
        #: Of a rank that follows; rank 0 has them from the first request on.
        self.ranks = ranks or Ranks(0, 1)
        self.work: Optional[TrainingStep] = None
        self.batches: Dict[int, Dict[str, Tensor]] = {}

    def handle(self, header: Dict[str, Any], tensors: Dict[str, Tensor]) -> Optional[Waiting]:
        kind = header["kind"]
        if kind == "open":
            if self.ranks.rank == 0:
                settings = header["settings"]
                self.ranks = Ranks.lead(settings.get("ranks", 1), kind_of(settings["device"]))
            self.hand_on(header, tensors)
            self.work = TrainingStep(header["settings"], tensors, self.ranks)
            return self.described
        work = self.work
        if work is None:
            raise ValueError(f"expected open first, received {kind}")
        self.hand_on(header, tensors)
        if kind == "batch":
            for slot in header["forget"]:
                self.batches.pop(slot, None)
            self.batches[header["slot"]] = work.upload(tensors)
            return None
        if kind == "vectors":
            # One after the other, to main memory: a card that is full has no room for a second set of them.
            copies = {name: value.to("cpu", copy=True) for name, value in zip(Vectors._fields, work.vectors)}
            return lambda: ({}, copies)
        timer = Timer(work.device)
        if kind == "step":
            values = work.step(self.batches[header["slot"]], work.upload(tensors), header)
        elif kind == "errors":
            values = work.errors(work.upload(tensors), {}, header)
        else:
            raise ValueError(f"expected a kind of request, received {kind}")
        host = torch.empty(values.shape, pin_memory=timer.card)
        host.copy_(values, non_blocking=True)
        timer.stop()

        def answer() -> Answer:
            busy = timer.milliseconds()
            count = len(PARTS) + 1 if kind == "step" else 0
            return {"busy": busy}, {"values": host[:count], "errors": host[count:]}

        return answer

    def hand_on(self, header: Dict[str, Any], tensors: Dict[str, Tensor]) -> None:
        if self.ranks.rank == 0:
            self.ranks.send(header, tensors)

    def described(self) -> Answer:
        work = self.work
        assert work is not None
        name = torch.cuda.get_device_name(work.device) if work.device.type == "cuda" else "cpu"
        precision = str(work.dtype).replace("torch.", "")
        versions = {"torch": torch.__version__, "python": sys.version.split()[0], "ranks": self.ranks.count}
        return {"device": name, "precision": precision, "compiled": bool(work.compiled), **versions}, {}


def check_version() -> None:
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST:
        print(f"expected PyTorch {OLDEST[0]}.{OLDEST[1]} or later, received {torch.__version__}", file=sys.stderr)
        sys.exit(TOO_OLD)


def main() -> None:
    die_with_parent()
    check_version()
    torch.set_num_threads(int(os.environ.get("CLEARWORD_THREADS") or torch.get_num_threads()))
    # What libraries print goes where messages do not.
    source, target = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    requests: "queue.Queue[Optional[Message]]" = queue.Queue(AHEAD)
    answers: "queue.Queue[Tuple[int, Waiting]]" = queue.Queue()
    server = Server()

    def read() -> None:
        try:
            while True:
                card = server.work is not None and server.work.device.type == "cuda"
                message = read_message(source, pinned=card)
                requests.put(message)
                if message is None:
                    return
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def answer() -> None:
        try:
            while True:
                number, waiting = answers.get()
                header, tensors = waiting()
                write_message(target, {"id": number, **header}, tensors)
        except BaseException:
            # A parent that is gone reads nothing; anything else is said on standard error, which it keeps.
            traceback.print_exc()
            os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    threading.Thread(target=answer, daemon=True).start()
    while True:
        message = requests.get()
        if message is None:
            server.ranks.close()
            # Threads that wait for a card would keep the process.
            os._exit(0)
        header, tensors = message
        try:
            waiting = server.handle(header, tensors)
        except Exception as error:
            traceback.print_exc()
            lost = server.ranks.lost()
            if "id" not in header:
                # Nobody waits for an answer that could say it, and what follows lacks its effect.
                give_up(lost)
            text = f"{type(error).__name__}: {error}" + (lost and f"; {lost}")
            waiting = (lambda said: lambda: ({"error": said}, {}))(text)
        if waiting is not None:
            answers.put((header["id"], waiting))


if __name__ == "__main__":
    main()
