"""A rank other than 0: does what that one is asked to, and answers nobody. Ends with it.

On another machine: PYTHONPATH names the folder of this package, and RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say which
rank of which run it is, as torchrun sets them.
"""

from __future__ import annotations

import os
import traceback

import torch

from .__main__ import Server, check_version, die_with_parent
from .ranks import CHILD, Ranks, give_up


def main() -> None:
    # One that was started on another machine outlives the shell that started it, and ends with its connection.
    if os.environ.get(CHILD):
        die_with_parent()
    check_version()
    torch.set_num_threads(int(os.environ.get("CLEARWORD_THREADS") or torch.get_num_threads()))
    server = Server(Ranks.follow())
    while True:
        try:
            header, tensors = server.ranks.receive()
        except RuntimeError as error:
            give_up(f"rank {server.ranks.rank}: rank 0 is gone: {error}")
        if header["kind"] == "close":
            os._exit(0)
        try:
            waiting = server.handle(header, tensors)
            if waiting is not None:
                waiting()
        except BaseException:
            # The others notice, and rank 0 has these as the last words.
            traceback.print_exc()
            os._exit(1)


if __name__ == "__main__":
    main()
