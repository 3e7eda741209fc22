"""Several processes that make one step: each computes a part of the pictures, and all make the same update.

Rank 0 is the process that `clearword train` talks to. It hands every request on to the others, which run `follow.py`: those of its
own machine it starts itself. What is added up is the gradient [P], so that any number of ranks gives the gradient of one.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Dict, List, NoReturn, Optional, Tuple

import torch
import torch.distributed as dist
from torch import Tensor

from .messages import DTYPES, NAMES

#: A rank waits for as long as rank 0 has nothing for it; one that is gone is noticed at once, by its connection.
PATIENCE = datetime.timedelta(days=7)

#: How long the ranks wait for each other in the beginning.
START = datetime.timedelta(minutes=10)

#: What every rank does; the rest (validation, checkpoints) rank 0 does by itself.
SHARED = ("open", "batch", "step", "close")

#: In the environment of a rank that rank 0 has started.
CHILD = "CLEARWORD_CHILD"

#: Seconds within which a process whose connection ended is seen to have ended.
SETTLING = 0.5

#: Seconds that rank 0 has to say by itself what went wrong after a child has ended.
GRACE = 3


def give_up(words: str) -> NoReturn:
    """Ends the process, whatever its threads wait for. These are its last words, if there is still somebody to hear them."""
    try:
        print(words, file=sys.stderr, flush=True)
    finally:
        os._exit(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ranks:
    """This process among those of its run."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count
        self.children: List["subprocess.Popen[bytes]"] = []
        self.closing = False
        self.group: Optional[Any] = None

    @staticmethod
    def lead(local: int, kind: str = "cpu") -> "Ranks":
        """Rank 0, with `local` ranks on this machine, on its cards or its CPU; WORLD_SIZE counts those of others, too."""
        count = int(os.environ.get("WORLD_SIZE") or local)
        if count < local:
            raise ValueError(f"WORLD_SIZE: expected the {local} ranks of this machine or more, received {count}")
        cards = torch.cuda.device_count() if kind == "cuda" else local
        if local > cards:
            raise ValueError(f"ranks: expected at most {cards}, a card for each, received {local}")
        ranks = Ranks(0, count)
        if count == 1:
            return ranks
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", str(free_port()))
        for rank in range(1, local):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), CHILD: "1"}
            command = [sys.executable, "-u", "-m", "clearword_torch.follow"]
            environment = {**os.environ, **own}
            ranks.children.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=2))
        for child in ranks.children:
            threading.Thread(target=ranks.watch, args=(child,), daemon=True).start()
        ranks.join()
        return ranks

    @staticmethod
    def follow() -> "Ranks":
        """The rank that the environment names: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them."""
        ranks = Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
        ranks.join()
        return ranks

    def watch(self, child: "subprocess.Popen[bytes]") -> None:
        """Ends this process if the child does: the others would wait for it, on cards without end."""
        child.wait()
        time.sleep(GRACE)
        if not self.closing:
            give_up(self.lost())

    def lost(self) -> str:
        """Which of the children have ended and how; empty where all are there."""
        if self.children:
            time.sleep(SETTLING)
        ends = [(rank, child.poll()) for rank, child in enumerate(self.children, 1)]
        return ", ".join(
            f"rank {rank} of {self.count} ended " + (f"with code {code}" if code >= 0 else f"by signal {-code}")
            for rank, code in ends
            if code is not None
        )

    def close(self) -> None:
        """Tells the others that the run has ended; the end of a connection says that something went wrong."""
        self.closing = True
        try:
            self.send({"kind": "close"}, {})
        except RuntimeError:
            # One that is gone need not be told.
            pass

    def join(self) -> None:
        host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        # PyTorch 1.13 waits for the others without letting other threads run: those that watch the children.
        store = dist.TCPStore(host, port, self.count, self.rank == 0, timeout=START, wait_for_workers=False)
        end = time.monotonic() + START.total_seconds()
        joined = store.add("joined", 1)
        while joined < self.count:
            if time.monotonic() > end:
                raise RuntimeError(f"ranks: expected {self.count} within {START.total_seconds():.0f} s, received {joined}")
            time.sleep(0.1)
            joined = store.add("joined", 0)
        # Requests travel over the CPU, whatever computes.
        dist.init_process_group("gloo", store=store, rank=self.rank, world_size=self.count, timeout=PATIENCE)

    def use(self, device: torch.device) -> None:
        """What is added up is on this device from now on."""
        if self.count > 1 and device.type == "cuda":
            torch.cuda.set_device(device)
            self.group = dist.new_group(backend="nccl")

    def share(self, pictures: int) -> Tuple[int, int]:
        """First and last (exclusive) of the pictures of a batch that this rank computes."""
        if pictures < self.count:
            raise ValueError(f"batch: expected a picture for each of {self.count} ranks, received {pictures}")
        return pictures * self.rank // self.count, pictures * (self.rank + 1) // self.count

    def add_up(self, *values: Tensor) -> None:
        """Replaces values by their sums over the ranks."""
        if self.count > 1:
            for value in values:
                dist.all_reduce(value, group=self.group)

    def send(self, header: Dict[str, Any], tensors: Dict[str, Tensor]) -> None:
        """Hands a request on to all others."""
        if self.count == 1 or header["kind"] not in SHARED:
            return
        described = [[name, NAMES[tensor.dtype], list(tensor.shape)] for name, tensor in tensors.items()]
        text = bytearray(json.dumps([header, described]).encode())
        dist.broadcast(torch.tensor([len(text)]), 0)
        dist.broadcast(torch.frombuffer(text, dtype=torch.uint8), 0)
        for tensor in tensors.values():
            if tensor.numel() > 0:
                dist.broadcast(tensor.contiguous(), 0)

    def receive(self) -> Tuple[Dict[str, Any], Dict[str, Tensor]]:
        """The next request of rank 0. Raises RuntimeError when that is gone."""
        length = torch.zeros(1, dtype=torch.int64)
        dist.broadcast(length, 0)
        text = torch.zeros(int(length), dtype=torch.uint8)
        dist.broadcast(text, 0)
        header, described = json.loads(bytes(text.tolist()))
        tensors: Dict[str, Tensor] = {}
        for name, dtype, shape in described:
            tensors[name] = torch.empty(shape, dtype=DTYPES[dtype])
            if tensors[name].numel() > 0:
                dist.broadcast(tensors[name], 0)
        return header, tensors
