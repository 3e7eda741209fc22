"""Quantises a network for bench/int8.ts: static, QDQ, weights by channel, activations from what the given inputs make of them.

    python3 quantise.py MODEL.onnx OUTPUT.onnx OPERATORS KEEP RANGES FEEDS.safetensors ...

OPERATORS is a list such as Conv or Conv,MatMul. KEEP (yes or no) says whether the convolutions that read from or write to three or
twelve channels, the picture itself, stay in float32. RANGES of activations: widest, of all inputs, or mean, of the extremes of
each.
"""

import sys
from pathlib import Path

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pytorch"))

from tensors import read_arrays  # noqa: E402

# Channels of a picture, as it is and folded by two.
PICTURE = (3, 12)


class Feeds(CalibrationDataReader):
    def __init__(self, paths):
        self.paths = iter(paths)

    def get_next(self):
        path = next(self.paths, None)
        return None if path is None else read_arrays(path)[0]


def picture_layers(path):
    """Convolutions beside the picture."""
    graph = onnx.load(path).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    names = []
    for node in graph.node:
        shape = shapes.get(node.input[1], ()) if node.op_type == "Conv" else ()
        if len(shape) == 4 and (shape[0] in PICTURE or shape[1] in PICTURE):
            names.append(node.name)
    return names


def main(model, output, operators, keep, ranges, feeds):
    kept = picture_layers(model) if keep else []
    quantize_static(
        model,
        output,
        Feeds(feeds),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=operators.split(","),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=kept,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"CalibMovingAverage": ranges == "mean"},
    )
    quantised = sum(node.op_type == "DequantizeLinear" for node in onnx.load(output).graph.node)
    print(f"{quantised} quantised tensors, {len(kept)} convolutions kept in float32")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "yes", sys.argv[5], sys.argv[6:])
