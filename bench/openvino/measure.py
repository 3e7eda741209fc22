"""OpenVINO's side of bench/peers.ts: compiles an ONNX file, then runs what standard input asks for.

    python3 measure.py FILE.onnx FILE.safetensors THREADS float32|bfloat16

The second file has the inputs and the expected output. Each line of input is a number of runs; each line of output is JSON,
as bench/pytorch/measure.py gives it.
"""

import json
import sys
import time
from pathlib import Path

import numpy
import openvino

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pytorch"))

from memory import forget_peak, peak_memory  # noqa: E402
from tensors import read_arrays  # noqa: E402

ELEMENT = {"float32": "f32", "bfloat16": "bf16"}


def main(model, tensors, threads, precision):
    arrays, _ = read_arrays(tensors)
    expected = arrays.pop("expected")
    core = openvino.Core()
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": ELEMENT[precision],
        },
    )
    request = compiled.create_infer_request()
    print(json.dumps({"version": openvino.__version__, "memory": peak_memory()}), flush=True)
    for line in sys.stdin:
        forget_peak()
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            request.infer(arrays)
            times.append(1000 * (time.perf_counter() - start))
        output = request.get_output_tensor(0).data.reshape(-1)
        difference = float(numpy.abs(output - expected).max())
        print(json.dumps({"ms": times, "memory": peak_memory(), "difference": difference}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
