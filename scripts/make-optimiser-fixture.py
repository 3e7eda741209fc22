"""Writes PyTorch's optimisers, step by step, into test/fixtures/optimisers.json for test/conformance/optimisers.test.ts.

Run once with a Python that has PyTorch 2.9 or later: python3 scripts/make-optimiser-fixture.py
"""

import json
import math
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / 'test' / 'fixtures' / 'optimisers.json'
STEPS = 10
AFTER = (1, 10)

# Names and shapes in the order of the flat vector: wide, of four dimensions, tall, and what is no matrix.
SHAPES = {
    'wide.weight': (16, 18),
    'bias': (5,),
    'conv.weight': (16, 2, 3, 3),
    'tall.weight': (18, 16),
}
MATRICES = [name for name, shape in SHAPES.items() if len(shape) > 1]
SIZE = sum(math.prod(shape) for shape in SHAPES.values())

ADAMW = [
    {'learningRate': 0.05, 'betas': [0.9, 0.99], 'eps': 1e-8, 'weightDecay': 0, 'clipNorm': None},
    {'learningRate': 0.02, 'betas': [0.8, 0.95], 'eps': 1e-3, 'weightDecay': 0.3, 'clipNorm': 30},
]
MUON = [
    {**ADAMW[0], 'otherLearningRate': 0.05},
    {**ADAMW[1], 'otherLearningRate': 0.01},
]


def vector(of):
    values = torch.tensor([of(k) for k in range(SIZE)], dtype=torch.float64).float()
    parts = values.split([math.prod(shape) for shape in SHAPES.values()])
    return {name: part.reshape(shape).clone() for part, (name, shape) in zip(parts, SHAPES.items())}


def start():
    return vector(lambda k: math.cos(1.7 * k))


def gradient(step):
    """Of lengths within and beyond the limit; values far from a repeating pattern, so that matrices have full rank."""
    return vector(lambda k: (1 + 3 * (step % 3)) * math.sin(0.9 * k + 0.013 * k * k + step))


def flat(tensors):
    return [float(f'{value:.9g}') for tensor in tensors for value in tensor.reshape(-1).tolist()]


def seen_by_muon(name, tensor):
    return tensor.reshape(tensor.shape[0], -1) if name in MATRICES else tensor


def run(settings, optimisers_of):
    """The flat vectors after some of the steps. `optimisers_of` makes the optimisers of named parameters."""
    parameters = {name: torch.nn.Parameter(seen_by_muon(name, value)) for name, value in start().items()}
    optimisers = optimisers_of(parameters, settings)
    result = {}
    for step in range(STEPS):
        for name, value in gradient(step).items():
            parameters[name].grad = seen_by_muon(name, value)
        if settings['clipNorm'] is not None:
            torch.nn.utils.clip_grad_norm_(parameters.values(), settings['clipNorm'])
        for optimiser in optimisers:
            optimiser.step()
        if step + 1 not in AFTER:
            continue
        states = {p: s for optimiser in optimisers for p, s in optimiser.state.items()}
        in_order = [states[parameter] for parameter in parameters.values()]
        momentum = [s.get('momentum_buffer', s.get('exp_avg')) for s in in_order]
        result[step + 1] = {'parameters': flat(parameters.values()), 'momentum': flat(momentum)}
        if all('exp_avg_sq' in s for s in in_order):
            result[step + 1]['variance'] = flat(s['exp_avg_sq'] for s in in_order)
    return {'settings': settings, 'after': result}


def adamw(parameters, settings, rate='learningRate'):
    options = {'betas': settings['betas'], 'eps': settings['eps'], 'weight_decay': settings['weightDecay']}
    return torch.optim.AdamW(list(parameters), lr=settings[rate], **options)


def muon(parameters, settings):
    matrices = torch.optim.Muon(
        [parameters[name] for name in MATRICES],
        lr=settings['learningRate'],
        momentum=settings['betas'][0],
        weight_decay=settings['weightDecay'],
        nesterov=True,
        adjust_lr_fn='match_rms_adamw',
    )
    others = [parameter for name, parameter in parameters.items() if name not in MATRICES]
    return [matrices, adamw(others, settings, 'otherLearningRate')]


# PyTorch orthogonalises in bfloat16, three digits; the same code in float64 is a reference.
torch.bfloat16 = torch.float64
fixture = {
    'formula': 'start cos(1.7 k); gradient of step s (1 + 3 (s mod 3)) sin(0.9 k + 0.013 k k + s); float64, then float32',
    'torch': torch.__version__.split('+')[0],
    'shapes': [{'name': name, 'shape': shape} for name, shape in SHAPES.items()],
    'cases': {
        'adamw': [run(settings, lambda p, s: [adamw(p.values(), s)]) for settings in ADAMW],
        'muon': [run(settings, muon) for settings in MUON],
    },
}
OUT.write_text(json.dumps(fixture) + '\n')
