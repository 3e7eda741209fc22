"""Writes test/fixtures/clip-picture.json: pictures brought to CLIP's square by Pillow, whose resizing CLIP's authors used.

Run once with a Python that has Pillow (made with 9.4): python3 scripts/make-clip-picture-fixture.py
"""

import json
import math
import pathlib

from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / 'test' / 'fixtures' / 'clip-picture.json'


def picture(width, height):
    """Channel c of the pixel (x, y): a wave with an edge, so that overshoot and clipping occur."""
    image = Image.new('RGB', (width, height))
    for y in range(height):
        for x in range(width):
            wave = [127.5 + 127.5 * math.sin(0.31 * x + 0.17 * y * (c + 1) + c) for c in range(3)]
            edge = 255 if (x // 5 + y // 7) % 3 == 0 else None
            image.putpixel((x, y), tuple(int(v) if edge is None else edge for v in wave))
    return image


def square(image, side):
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(side * long / short)
    size = (side, other) if width <= height else (other, side)
    resized = image.resize(size, Image.BICUBIC) if image.size != size else image
    left, top = int(round((size[0] - side) / 2)), int(round((size[1] - side) / 2))
    return resized.crop((left, top, left + side, top + side))


cases = []
for width, height, side in [(50, 37, 16), (37, 53, 16), (20, 31, 32), (16, 16, 16), (16, 21, 16), (90, 41, 12), (7, 9, 16)]:
    result = square(picture(width, height), side)
    cases.append({'width': width, 'height': height, 'side': side, 'rgb': list(result.tobytes())})
OUT.write_text(json.dumps({
    'picture': '127.5 + 127.5 sin(0.31 x + 0.17 y (c+1) + c), cut to whole numbers; 255 where (x/5 + y/7) mod 3 is 0 (whole quotients)',
    'cases': cases,
}))
