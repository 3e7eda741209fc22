"""Reading the safetensors files that bench/train.ts writes: 8 bytes header length, JSON header, raw values."""

import json
import struct

import numpy

TYPES = {"F32": numpy.dtype("<f4"), "I64": numpy.dtype("<i8")}


def read_arrays(path):
    """All tensors of a file by name, as arrays, and its metadata."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(data[start:end], dtype=TYPES[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"]).copy()
    return arrays, metadata


def read_tensors(path):
    """All tensors of a file by name, and its metadata."""
    import torch

    arrays, metadata = read_arrays(path)
    return {name: torch.from_numpy(values) for name, values in arrays.items()}, metadata
