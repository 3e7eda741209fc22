"""Messages over pipes: 4 bytes (little endian) with the length of a JSON header, the header, then its tensors' raw values.

The header's `tensors` are [{name, dtype, shape}] in the order of the values, which are C-contiguous and little endian.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor

DTYPES = {"float32": torch.float32, "int64": torch.int64, "uint8": torch.uint8}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

Message = Tuple[Dict[str, Any], Dict[str, Tensor]]


def read_exactly(source: int, target: memoryview) -> bool:
    """Fills the target; False at the end of the pipe."""
    done = 0
    while done < len(target):
        count = os.readv(source, [target[done:]])
        if count == 0:
            return False
        done += count
    return True


def bytes_of(tensor: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU, which has to outlive it. Asks for no NumPy."""
    size = tensor.numel() * tensor.element_size()
    return memoryview((ctypes.c_ubyte * size).from_address(tensor.data_ptr())).cast("B")


def read_message(source: int, pinned: bool) -> Optional[Message]:
    """The next message, or None at the end. pinned: memory that a card copies from by itself."""
    length = bytearray(4)
    if not read_exactly(source, memoryview(length)):
        return None
    text = bytearray(struct.unpack("<I", length)[0])
    if not read_exactly(source, memoryview(text)):
        return None
    header = json.loads(text)
    tensors: Dict[str, Tensor] = {}
    for item in header.pop("tensors", []):
        tensor = torch.empty(tuple(item["shape"]), dtype=DTYPES[item["dtype"]], pin_memory=pinned)
        if tensor.numel() > 0 and not read_exactly(source, bytes_of(tensor)):
            return None
        tensors[item["name"]] = tensor
    return header, tensors


def write_message(target: int, header: Dict[str, Any], tensors: Dict[str, Tensor]) -> None:
    values = {name: tensor.contiguous() for name, tensor in tensors.items()}
    described = [
        {"name": name, "dtype": NAMES[tensor.dtype], "shape": list(tensor.shape)} for name, tensor in values.items()
    ]
    text = json.dumps({**header, "tensors": described}).encode()
    parts = [memoryview(struct.pack("<I", len(text)) + text)]
    parts += [bytes_of(tensor) for tensor in values.values() if tensor.numel() > 0]
    for part in parts:
        while len(part) > 0:
            part = part[os.write(target, part) :]
