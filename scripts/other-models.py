"""spandrel's restoration architectures with small random weights: as ONNX files, and what PyTorch makes of a picture.

    python scripts/other-models.py FOLDER [NAME ...]

`npx tsx scripts/other-models.ts FOLDER` then restores the picture with the files through Clearword, compares, and prints the table
of docs/other-models.md. Needs torch, onnx, onnxscript, onnxruntime, spandrel, spandrel_extra_arches and what those import
(einops, safetensors, torchvision, pillow). Exports by the recipes of docs/other-models.md: traced for any size; where that is not
possible, or wrong for other sizes than the one that was traced, by torch.export; where that is not possible either, traced for one
size.
"""

import argparse
import inspect
import json
import math
import signal
import sys
import time
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import torch

warnings.filterwarnings("ignore")

# Width and height that are multiples of nothing, and the side of the tiles of networks for one size.
WIDTH, HEIGHT, FIXED = 151, 143, 128

# Seconds of a processor that an export may take.
PATIENCE = 120

# Of networks that can enlarge, too: here they do not.
SAME_SIZE = ("upscale", "scale", "upscaling_factor", "up_scale", "upscale_factor")

# Name -> (architecture, class, multiple of the sides that it takes, arguments). As large as a test has patience for.
NETWORKS = {
    "ATD": ("ATD", "ATD", 16, {"embed_dim": 24, "depths": [2], "num_heads": [2], "category_size": 64, "num_tokens": 16}),
    "Compact": ("Compact", "Compact", 1, {"num_feat": 24, "num_conv": 6}),
    "CRAFT": ("CRAFT", "CRAFT", 16, {"embed_dim": 48, "depths": [2, 2], "num_heads": [6, 6]}),
    "DAT": ("DAT", "DAT", 16, {"embed_dim": 32, "split_size": [8, 16], "depth": [2, 2], "num_heads": [2, 2]}),
    "DCTLSA": ("DCTLSA", "DCTLSA", 16, {"nf": 30, "num_modules": 6}),
    "DITN": ("DITN", "DITN", 8, {"dim": 24, "ITL_blocks": 2, "SAL_blocks": 2}),
    "DnCNN": ("DnCNN", "DnCNN", 1, {"in_nc": 3, "out_nc": 3, "nc": 32, "nb": 10}),
    "DRCT": (
        "DRCT",
        "DRCT",
        16,
        {"embed_dim": 48, "depths": [2], "num_heads": [2], "gc": 16, "upsampler": "pixelshuffle"},
    ),
    "DRUNet": ("DRUNet", "DRUNet", 8, {"in_nc": 4, "out_nc": 3, "nc": [16, 32, 64, 128], "nb": 2}),
    "ESRGAN": ("ESRGAN", "ESRGAN", 1, {"num_filters": 24, "num_blocks": 2}),
    "FBCNN": ("FBCNN", "FBCNN", 8, {"in_nc": 3, "out_nc": 3, "nb": 1}),
    "FDAT": ("FDAT", "FDAT", 8, {"embed_dim": 32, "num_groups": 1, "depth_per_group": 2, "num_heads": 2}),
    "FFTformer": ("FFTformer", "FFTformer", 32, {"dim": 16, "num_blocks": [1, 1, 2], "num_refinement_blocks": 1}),
    "GRL": (
        "GRL",
        "GRL",
        32,
        {
            "img_size": 64,
            "embed_dim": 32,
            "depths": [2, 2],
            "num_heads_window": [2, 2],
            "num_heads_stripe": [2, 2],
            "window_size": 8,
            "stripe_size": [8, 8],
            "upsampler": "",
        },
    ),
    "HAT": ("HAT", "HAT", 16, {"embed_dim": 32, "depths": [2], "num_heads": [2], "window_size": 16, "num_feat": 32}),
    "HVI-CIDNet": ("HVICIDNet", "HVICIDNet", 8, {}),
    "KBNet-l": ("KBNet", "KBNet_l", 16, {"dim": 48, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1}),
    "KBNet-s": ("KBNet", "KBNet_s", 16, {"width": 16, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}),
    "M3SNet": ("M3SNet", "M3SNet", 16, {"width": 16, "enc_blk_nums": [1, 1, 1, 2], "dec_blk_nums": [1, 1, 1, 1]}),
    "MIRNet-v2": ("MIRNet2", "MIRNet2", 8, {"n_feat": 32, "n_MRB": 1, "chan_factor": 2}),
    "MixDehazeNet": ("MixDehazeNet", "MixDehazeNet", 4, {"embed_dims": [12, 24, 48, 24, 12], "depths": [1, 1, 2, 1, 1]}),
    "MoESR": ("MoESR", "MoESR", 1, {"dim": 24, "n_blocks": 2, "n_block": 2, "upsampler": "conv"}),
    "MPRNet": ("MPRNet", "MPRNet", 16, {"n_feat": 16, "scale_unetfeats": 8, "scale_orsnetfeats": 8, "num_cab": 2}),
    "NAFNet": (
        "NAFNet",
        "NAFNet",
        16,
        {"width": 16, "middle_blk_num": 1, "enc_blk_nums": [1, 1, 1, 4], "dec_blk_nums": [1, 1, 1, 1]},
    ),
    "OmniSR": ("OmniSR", "OmniSR", 8, {"num_feat": 32, "res_num": 1}),
    "PLKSR": ("PLKSR", "PLKSR", 1, {"dim": 24, "n_blocks": 3}),
    "RCAN": ("RCAN", "RCAN", 1, {"n_resgroups": 2, "n_resblocks": 2, "n_feats": 24, "rgb_range": 1}),
    "RealPLKSR": ("PLKSR", "RealPLKSR", 1, {"dim": 24, "n_blocks": 3}),
    "Restormer": ("Restormer", "Restormer", 8, {"dim": 16, "num_blocks": [1, 1, 1, 2], "num_refinement_blocks": 1}),
    "Retinexformer": ("RetinexFormer", "RetinexFormer", 4, {"n_feat": 20, "stage": 1, "num_blocks": [1, 1, 1]}),
    "RGT": ("RGT", "RGT", 32, {"embed_dim": 32, "depth": [2, 2], "num_heads": [2, 2]}),
    "SAFMN": ("SAFMN", "SAFMN", 8, {"dim": 32, "n_blocks": 3}),
    "SAFMN-BCIE": ("SAFMNBCIE", "SAFMNBCIE", 8, {"dim": 32, "n_blocks": 3}),
    # Heads have 32 channels.
    "SCUNet": ("SCUNet", "SCUNet", 64, {"in_nc": 3, "config": [1] * 7, "dim": 64}),
    "SeemoRe": ("SeemoRe", "SeemoRe", 8, {"num_layers": 2, "embedding_dim": 24, "num_experts": 3}),
    "SPAN": ("SPAN", "SPAN", 1, {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 24, "img_range": 1.0}),
    "SwiftSRGAN": ("SwiftSRGAN", "SwiftSRGAN", 1, {"num_channels": 24, "num_blocks": 3}),
    "SRFormer": (
        "SRFormer",
        "SRFormer",
        16,
        {"img_size": 64, "window_size": 16, "depths": [2, 2], "num_heads": [2, 2], "embed_dim": 32},
    ),
    "Swin2SR": ("Swin2SR", "Swin2SR", 8, {"embed_dim": 32, "depths": [2, 2], "num_heads": [2, 2], "window_size": 8}),
    "SwinIR": (
        "SwinIR",
        "SwinIR",
        8,
        {"img_size": 64, "window_size": 8, "depths": [2, 2], "num_heads": [2, 2], "embed_dim": 32, "upsampler": ""},
    ),
    "Uformer": ("Uformer", "Uformer", 128, {"img_size": 128, "embed_dim": 16, "depths": [1] * 9}),
}

# Channels beside the picture's: a plane of the noise level.
NOISE = {"DRUNet": 15 / 255}


def build(name):
    architecture, kind, _, arguments = NETWORKS[name]
    package = "spandrel" if find_spec(f"spandrel.architectures.{architecture}") else "spandrel_extra_arches"
    make = getattr(import_module(f"{package}.architectures.{architecture}"), kind)
    taken = inspect.signature(make.__init__).parameters
    same = {key: 1 for key in SAME_SIZE if key in taken}
    return make(**{**same, **arguments}).eval()


class Stretched(torch.nn.Module):
    """The first result, stretched by constants to where pixels are: random weights give values of any size."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.register_buffer("gain", torch.tensor(1.0))
        self.register_buffer("shift", torch.tensor(0.0))

    def forward(self, x):
        result = self.net(x)
        if isinstance(result, (tuple, list)):
            result = result[0]
        return result * self.gain + self.shift

    def fit(self, example):
        y = self(example)
        gain = 0.18 / y.std().clamp(min=1e-6)
        self.shift.copy_(0.5 - gain * y.mean())
        self.gain.copy_(gain)


def traced(net, example, path):
    free = {2: "height", 3: "width"}
    names = {"input_names": ["picture"], "output_names": ["restored"], "dynamic_axes": {"picture": free, "restored": free}}
    torch.onnx.utils.export(net, (example,), path, opset_version=17, **names)


def exported(net, example, path):
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    names = {"input_names": ["picture"], "output_names": ["restored"]}
    torch.onnx.export(net, (example,), path, dynamo=True, dynamic_shapes=(free,), verbose=False, **names)


def fixed(net, example, path):
    names = {"input_names": ["picture"], "output_names": ["restored"]}
    torch.onnx.utils.export(net, (example,), path, opset_version=17, **names)


class TooLong(BaseException):
    """No Exception, because the exporter catches those and tries something else."""


def too_long(_signal, _frame):
    raise TooLong(f"took more than {PATIENCE} seconds")


def is_right(path, x, expected):
    """Whether the file gives the same for a picture of another size than that of the export."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (result,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    except Exception as error:
        print(f"  {path.stem}: {str(error).strip().splitlines()[0][:200]}", file=sys.stderr, flush=True)
        return False
    difference = float(np.abs(result - expected.numpy()).max()) if result.shape == expected.shape else float("inf")
    if not difference < 1e-3:
        print(f"  {path.stem}: differs by {difference}", file=sys.stderr, flush=True)
    return difference < 1e-3


def attempt(export, net, example, path):
    """Whether the export worked."""
    signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        export(net, example, str(path))
        return True
    except (Exception, TooLong) as error:  # The exporter's errors are of many kinds.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        print(f"  {path.stem}: {lines[0][:200]}", file=sys.stderr, flush=True)
        for file in path.parent.glob(f"{path.stem}.onnx*"):
            file.unlink()
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def picture():
    """Waves in three colours, [HEIGHT, WIDTH, 3], 16 bits."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colours = [0.5 + 0.25 * np.sin(0.11 * x + c) + 0.2 * np.cos(0.07 * (c + 1) * y + 0.02 * x) for c in range(3)]
    return np.round(65535 * np.clip(np.stack(colours, -1), 0, 1)).astype("<u2")


def fed(values, multiple, noise):
    """As Clearword does it: mirrored up to the multiple at the right and at the bottom."""
    tensor = torch.from_numpy(values.astype("float32") / 65535).permute(2, 0, 1)[None]
    height, width = tensor.shape[2:]
    padded = torch.nn.functional.pad(tensor, (0, -width % multiple, 0, -height % multiple), "reflect")
    if noise is None:
        return padded
    return torch.cat([padded, torch.full_like(padded[:, :1], noise)], 1)


def main(name, folder):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    _, _, multiple, _ = NETWORKS[name]
    net = Stretched(build(name))
    folder.mkdir(parents=True, exist_ok=True)
    whole = picture()
    part = np.ascontiguousarray(whole[:FIXED, :FIXED])
    with torch.no_grad():
        x = fed(whole, multiple, NOISE.get(name))
        net.fit(x)
        started = time.process_time()
        restored = net(x)
        seconds = (time.process_time() - started) / (x.shape[2] * x.shape[3] / 1e6)
        # What Clearword does with a network that it knows nothing of: sides are multiples of 16.
        of_usual = net(fed(whole, math.lcm(multiple, 16), NOISE.get(name)))
        of_part = net(fed(part, multiple, NOISE.get(name)))
        side = max(multiple * 2, 64)
        example = torch.rand(1, x.shape[1], side, side + multiple)
        path = folder / "traced.onnx"
        form = "traced"
        if not (attempt(traced, net, example, path) and is_right(path, x, restored)):
            path = folder / "exported.onnx"
            form = "exported"
            if not (attempt(exported, net, example, path) and is_right(path, x, restored)):
                path = folder / "fixed.onnx"
                form = "fixed"
                if not attempt(fixed, net, torch.rand(1, x.shape[1], FIXED, FIXED), path):
                    form = "none"
    for what, pixels, result in (("whole", whole, restored), ("usual", whole, of_usual), ("part", part, of_part)):
        height, width = pixels.shape[:2]
        pixels.tofile(folder / f"{what}.input")
        result[0, :, :height, :width].permute(1, 2, 0).contiguous().numpy().astype("<f4").tofile(folder / f"{what}.output")
    about = {
        "name": name,
        "width": WIDTH,
        "height": HEIGHT,
        "fixed": FIXED,
        "multiple": multiple,
        "form": form,
        "parameters": sum(p.numel() for p in net.parameters()),
        "torchSeconds": seconds,
    }
    (folder / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Export spandrel's restoration architectures with random weights.")
    parser.add_argument("folder", type=Path, help="gets a folder for each network")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: all of {', '.join(NETWORKS)})")
    asked = parser.parse_args()
    for name in asked.names or NETWORKS:
        print(name, file=sys.stderr, flush=True)
        try:
            main(name, asked.folder / name)
        except Exception as error:  # One that cannot be built says so, and the others go on.
            print(f"  {type(error).__name__}: {error}"[:400], file=sys.stderr, flush=True)
