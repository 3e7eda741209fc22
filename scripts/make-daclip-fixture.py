"""Writes a tiny DA-CLIP as its authors publish theirs, a checkpoint of PyTorch, into test/fixtures/clip/daclip.pt.

Names, shapes and values are those of test/support/tiny-encoders.ts: sin(0.37 k + 1.3 p) / 3 for value k of parameter p, plus 1
for the scales of norms. CLIP's text tower has no name of its own, its vision tower appears twice, and an optimiser's state lies
beside the weights. Run once with a Python that has PyTorch (made with 1.13): python3 scripts/make-daclip-fixture.py
"""

import pathlib
import re

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / 'test' / 'fixtures' / 'clip' / 'daclip.pt'
EMBEDDING, WIDTH, TEXT_LAYERS, LAYERS, TOKENS, WORDS, SIDE, PATCH = 16, 8, 1, 2, 8, 600, 16, 8


def block(prefix):
    return [
        (prefix + 'ln_1.weight', [WIDTH]), (prefix + 'ln_1.bias', [WIDTH]),
        (prefix + 'attn.in_proj_weight', [3 * WIDTH, WIDTH]), (prefix + 'attn.in_proj_bias', [3 * WIDTH]),
        (prefix + 'attn.out_proj.weight', [WIDTH, WIDTH]), (prefix + 'attn.out_proj.bias', [WIDTH]),
        (prefix + 'ln_2.weight', [WIDTH]), (prefix + 'ln_2.bias', [WIDTH]),
        (prefix + 'mlp.c_fc.weight', [4 * WIDTH, WIDTH]), (prefix + 'mlp.c_fc.bias', [4 * WIDTH]),
        (prefix + 'mlp.c_proj.weight', [WIDTH, 4 * WIDTH]), (prefix + 'mlp.c_proj.bias', [WIDTH]),
    ]


def vision(prefix, controller):
    start = [
        ('conv1.weight', [WIDTH, 3, PATCH, PATCH]), ('class_embedding', [WIDTH]),
        ('positional_embedding', [(SIDE // PATCH) ** 2 + 1, WIDTH]), ('ln_pre.weight', [WIDTH]), ('ln_pre.bias', [WIDTH]),
    ]
    middle = []
    for layer in range(LAYERS):
        inner = 'transformer.transformer.' if controller else 'transformer.'
        middle += block(f'{inner}resblocks.{layer}.')
        if controller:
            middle += [(f'transformer.zero_modules.{layer}.weight', [WIDTH, WIDTH]), (f'transformer.zero_modules.{layer}.bias', [WIDTH])]
    end = [('ln_post.weight', [WIDTH]), ('ln_post.bias', [WIDTH]), ('proj', [WIDTH, EMBEDDING])]
    return [(prefix + name, shape) for name, shape in start + middle + end]


# In the order in which the networks first use them, which numbers the parameters.
text = [('token_embedding.weight', [WORDS, WIDTH]), ('positional_embedding', [TOKENS, WIDTH])]
for layer in range(TEXT_LAYERS):
    text += block(f'transformer.resblocks.{layer}.')
text += [('text_projection', [WIDTH, EMBEDDING]), ('ln_final.weight', [WIDTH]), ('ln_final.bias', [WIDTH])]
parameters = [('clip.' + name, shape) for name, shape in text]
parameters += vision('visual_control.', True) + [('logit_scale', [])] + vision('clip.visual.', False)

weights = {}
for p, (name, shape) in enumerate(parameters):
    size = int(torch.tensor(shape).prod()) if shape else 1
    k = torch.arange(size, dtype=torch.float64)
    value = torch.sin(0.37 * k + 1.3 * p) / 3 + (1 if re.search(r'ln_.*weight$', name) else 0)
    weights['module.' + name] = value.float().reshape(shape)
for name in [n for n in weights if n.startswith('module.clip.visual.')]:
    weights[name.replace('module.clip.', 'module.')] = weights[name]
weights['module.clip.logit_scale'] = torch.tensor(1.0)
torch.save({'epoch': 30, 'name': 'daclip', 'state_dict': weights, 'optimizer': {'state': {}, 'param_groups': []}}, OUT)
