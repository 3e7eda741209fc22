"""Spandrel's architectures with random weights: each as an ONNX file, with a picture and what PyTorch makes of it.

    python scripts/other-models.py FOLDER [NAME ...]

FOLDER/NAME gets network.onnx, input.raw (16-bit RGB, little-endian), output.raw (float32 RGB) and about.json, to compare with
what `clearword restore --model network.onnx` makes of the same picture. Needs torch, onnx, onnxscript, spandrel and what
spandrel imports (einops, safetensors, torchvision, pillow). Networks are exported for any size where that works, otherwise for
tiles of one size.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from spandrel.architectures import (
    DAT,
    FBCNN,
    GRL,
    SAFMNBCIE,
    DnCNN,
    DRUNet,
    FFTformer,
    HVICIDNet,
    KBNet,
    MixDehazeNet,
    NAFNet,
    RetinexFormer,
    SCUNet,
    SwinIR,
    Uformer,
)

warnings.filterwarnings("ignore")

# Width and height that are multiples of nothing, and the side of the tiles of networks for one size.
WIDTH, HEIGHT, FIXED = 150, 107, 128


def networks():
    """Name -> (multiple of the sides it takes, how to make it). As large as a test has patience for."""
    return {
        "DnCNN": (1, lambda: DnCNN.DnCNN(in_nc=3, out_nc=3, nc=32, nb=10)),
        "DRUNet": (8, lambda: DRUNet.DRUNet(in_nc=4, out_nc=3, nc=[16, 32, 64, 128], nb=2)),
        "NAFNet": (16, lambda: NAFNet.NAFNet(width=16, middle_blk_num=1, enc_blk_nums=[1, 1, 1, 4], dec_blk_nums=[1, 1, 1, 1])),
        "SCUNet": (64, lambda: SCUNet.SCUNet(in_nc=3, config=[2] * 7, dim=32)),
        "SwinIR": (
            8,
            lambda: SwinIR.SwinIR(
                img_size=64, window_size=8, depths=[2, 2], num_heads=[2, 2], embed_dim=32, mlp_ratio=2, upscale=1, upsampler=""
            ),
        ),
        "DAT": (
            16,
            lambda: DAT.DAT(
                img_size=64, embed_dim=32, split_size=[8, 16], depth=[2, 2], num_heads=[2, 2], upscale=1, upsampler=""
            ),
        ),
        "GRL": (
            32,
            lambda: GRL.GRL(
                img_size=64,
                embed_dim=32,
                depths=[2, 2],
                num_heads_window=[2, 2],
                num_heads_stripe=[2, 2],
                window_size=8,
                stripe_size=[8, 8],
                upscale=1,
                upsampler="",
            ),
        ),
        "FFTformer": (32, lambda: FFTformer.FFTformer(dim=16, num_blocks=[1, 1, 2], num_refinement_blocks=1)),
        "KBNet": (16, lambda: KBNet.KBNet_s(width=16, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1])),
        "MixDehazeNet": (4, lambda: MixDehazeNet.MixDehazeNet(embed_dims=[12, 24, 48, 24, 12], depths=[1, 1, 2, 1, 1])),
        "Retinexformer": (4, lambda: RetinexFormer.RetinexFormer(n_feat=20, stage=1, num_blocks=[1, 1, 1])),
        "Uformer": (128, lambda: Uformer.Uformer(img_size=128, embed_dim=16, depths=[1] * 9)),
        "FBCNN": (8, lambda: FBCNN.FBCNN(in_nc=3, out_nc=3, nc=[16, 32, 64, 128], nb=2)),
        "SAFMN-BCIE": (1, lambda: SAFMNBCIE.SAFMNBCIE(dim=32, n_blocks=3)),
        "HVI-CIDNet": (8, lambda: HVICIDNet.HVICIDNet()),
    }


def first(result):
    return result[0] if isinstance(result, (tuple, list)) else result


class One(torch.nn.Module):
    """A network of which the first result counts."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return first(self.net(x))


def export(net, channels, multiple, path):
    """Writes the ONNX file; returns whether it takes any size."""
    side = max(multiple * 2, 64)
    example = torch.rand(1, channels, side, side + multiple)
    try:
        sides = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
        torch.onnx.export(net, (example,), path, dynamo=True, dynamic_shapes=(sides,), verbose=False)
        return "free, dynamo"
    except Exception as error:  # The exporter's errors are of many kinds.
        print("dynamo, free:", str(error).strip().splitlines()[0][:200], file=sys.stderr)
    try:
        axes = {"x": {2: "height", 3: "width"}, "y": {2: "height", 3: "width"}}
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(net, (example,), path, dynamo=False, dynamic_axes=axes, opset_version=17, **names)
        return "free, tracing"
    except Exception as error:
        print("tracing, free:", str(error).strip().splitlines()[0][:200], file=sys.stderr)
    fixed = torch.rand(1, channels, FIXED, FIXED)
    torch.onnx.export(net, (fixed,), path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    return "fixed"


def main(name, folder):
    torch.manual_seed(1)
    torch.set_num_threads(2)
    multiple, make = networks()[name]
    net = One(make().eval())
    channels = 4 if name == "DRUNet" else 3
    folder.mkdir(parents=True, exist_ok=True)

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colours = [0.5 + 0.25 * np.sin(0.11 * x + c) + 0.2 * np.cos(0.07 * (c + 1) * y + 0.02 * x) for c in range(3)]
    picture = np.round(65535 * np.clip(np.stack(colours, -1), 0, 1)).astype("<u2")
    picture.tofile(folder / "input.raw")

    with torch.no_grad():
        # As Clearword does it: mirrored up to the multiple at the right and at the bottom.
        tensor = torch.from_numpy(picture.astype("float32") / 65535).permute(2, 0, 1)[None]
        pads = (0, -WIDTH % multiple, 0, -HEIGHT % multiple)
        padded = torch.nn.functional.pad(tensor, pads, "reflect")
        if channels == 4:
            padded = torch.cat([padded, torch.full_like(padded[:, :1], 15 / 255)], 1)
        started = time.time()
        restored = net(padded)[..., :HEIGHT, :WIDTH]
        seconds = time.time() - started
        form = export(net, channels, multiple, str(folder / "network.onnx"))
    restored[0].permute(1, 2, 0).numpy().astype("<f4").tofile(folder / "output.raw")
    inside = ((restored >= 0) & (restored <= 1)).float().mean().item()
    megapixels = padded.shape[2] * padded.shape[3] / 1e6
    about = {
        "name": name,
        "width": WIDTH,
        "height": HEIGHT,
        "multiple": multiple,
        "form": form,
        "inside": inside,
        "parameters": sum(p.numel() for p in net.parameters()),
        "torchSeconds": seconds / megapixels,
    }
    (folder / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    for name in names or networks():
        try:
            main(name, Path(folder) / name)
            print(name, flush=True)
        except Exception as error:  # One that cannot be built or exported says so, and the others go on.
            print(f"{name}: {type(error).__name__}: {error}"[:400], file=sys.stderr, flush=True)
