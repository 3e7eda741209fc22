"""A rank other than 0: does what that one is asked to, and answers nobody. Ends with it.

On another machine: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say which rank of which run it is, as torchrun sets them.
"""

from __future__ import annotations

import os
import traceback

import torch

from .__main__ import Server, check_version, die_with_parent
from .ranks import Ranks


def main() -> None:
    # One that was started by rank 0; on another machine the end of its connection does the same.
    die_with_parent()
    check_version()
    torch.set_num_threads(int(os.environ.get("CLEARWORD_THREADS") or torch.get_num_threads()))
    server = Server(Ranks.follow())
    while True:
        try:
            header, tensors = server.ranks.receive()
        except RuntimeError:
            # Rank 0 is gone: the run has ended, or says why it has not.
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
