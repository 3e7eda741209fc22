"""PyTorch's side of bench/train.ts: loads a network and its inputs from a file, then runs what standard input asks for.

    python3 measure.py FILE THREADS wall|cpu [compile] [bfloat16]

Each line of input is a number of runs; each line of output is JSON: first what was loaded, then for each request the
times in ms, the peak of resident memory in MiB, and the results of the last run (the loss before the update and the
gradient's norm, or the largest difference of the output from the expected one). `compile` and `bfloat16` are for forward
passes: through torch.compile, and under autocast.
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn

from memory import forget_peak, peak_memory
from tensors import read_tensors

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

from clearword_torch.network import Erunet  # noqa: E402
from clearword_torch.system import System  # noqa: E402


def training_step(network, given, settings):
    """A function that makes one step: forward, backward, AdamW."""
    options = settings["optimiser"]
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=settings["learningRate"],
        betas=options["betas"],
        eps=options["eps"],
        weight_decay=options["weightDecay"],
    )
    clip = options["clipNorm"]

    def step(detailed):
        optimiser.zero_grad(set_to_none=True)
        loss = network.losses(given, settings)[0]["loss"]
        loss.backward()
        result = {}
        if clip is not None:
            result["gradientNorm"] = nn.utils.clip_grad_norm_(network.parameters(), clip).item()
        elif detailed:
            result["gradientNorm"] = nn.utils.clip_grad_norm_(network.parameters(), float("inf")).item()
        optimiser.step()
        result["loss"] = loss.item()
        return result

    return step


def forward_pass(network, preset, given, expected, options):
    run = torch.compile(network) if "compile" in options else network
    # What the presets that predict the picture itself add to the network's output.
    base = given["mu"] if preset["parameterisation"] == "data" else 0

    def step(detailed):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in options):
            output = run(**given).float() + base
        return {"difference": (output - expected).abs().max().item()} if detailed else {}

    return step


def main(path, threads, clock, options):
    torch.set_num_threads(threads)
    now = time.process_time if clock == "cpu" else time.perf_counter
    tensors, metadata = read_tensors(path)
    settings = json.loads(metadata["settings"])

    def part(prefix):
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    given = part("input.")
    preset = settings["preset"]
    training = "optimiser" in settings
    degradations = len(preset["degradations"])
    network = System(preset) if training else Erunet(preset["network"], preset["fusion"], degradations)
    # Strict: a parameter that only one side has, or of another shape, is an error.
    network.load_state_dict(part("parameter."))
    # The network has copies; these would count as its memory.
    for name in [name for name in tensors if name.startswith("parameter.")]:
        del tensors[name]
    count = sum(parameter.numel() for parameter in network.parameters())
    if training:
        step = training_step(network, given, settings)
    else:
        step = forward_pass(network.eval(), preset, given, tensors["expected"], options)
    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "threads": torch.get_num_threads()}
    print(json.dumps({"parameters": count, "versions": versions, "memory": peak_memory()}), flush=True)

    first = True
    for line in sys.stdin:
        forget_peak()
        times = []
        for _ in range(int(line)):
            start = now()
            result = step(first)
            times.append(1000 * (now() - start))
            first = False
        print(json.dumps({"ms": times, "memory": peak_memory(), **result}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
