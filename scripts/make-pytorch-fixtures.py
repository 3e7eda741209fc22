"""Writes the PyTorch files that src/models/pytorch-file.test.ts reads, into test/fixtures/pytorch.

Run once with a Python that has PyTorch (made with 1.13): python3 scripts/make-pytorch-fixtures.py
"""

import collections
import os
import pathlib
import pickle
import zipfile

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / 'test' / 'fixtures' / 'pytorch'
OUT.mkdir(parents=True, exist_ok=True)


def values():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    shared = torch.arange(10, dtype=torch.float32)
    return collections.OrderedDict(
        float32=base.clone(),
        float64=base[0].double(),
        float16=torch.tensor([0.1, -2.5, 65504, 6e-8, float('inf')]).half(),
        bfloat16=torch.tensor([0.1, -2.5, 3e38]).bfloat16(),
        int64=torch.tensor([-3, 2**40]),
        int32=torch.tensor([-3, 70000], dtype=torch.int32),
        int16=torch.tensor([-3, 700], dtype=torch.int16),
        int8=torch.tensor([-3, 7], dtype=torch.int8),
        uint8=torch.tensor([3, 250], dtype=torch.uint8),
        bool=torch.tensor([True, False]),
        scalar=torch.tensor(4.5),
        empty=torch.zeros(0, 3),
        transposed=base.t(),
        strided=base[1:, ::2],
        head=shared[:4],
        tail=shared[6:],
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
    )


class Attack:
    def __init__(self, function, argument):
        self.call = (function, (argument,))

    def __reduce__(self):
        return self.call


torch.save(values(), OUT / 'zip.pt')
torch.save(values(), OUT / 'legacy.pt', _use_new_zipfile_serialization=False)
torch.save({'epoch': 3, 'best': 0.5, 'name': 'run', 'state_dict': torch.nn.Linear(2, 1).state_dict(),
            'optimizer': {'state': {0: {'step': 1, 'exp_avg': torch.zeros(2)}}}}, OUT / 'checkpoint.pt')


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(3.0))
        self.register_buffer('counts', torch.tensor([5, 6]))

    def forward(self, x):
        return x * self.weight


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.bias = torch.nn.Parameter(torch.tensor([0.5]))

    def forward(self, x):
        return self.inner(x) + self.bias


torch.jit.script(Outer()).save(str(OUT / 'scripted.pt'))
torch.save(Outer, OUT / 'class.pt')

# Both would make the file `pwned` if they were executed.
torch.save({'weight': torch.ones(1), 'attack': Attack(os.system, 'touch pwned')}, OUT / 'attack-zip.pt')
with open(OUT / 'attack-pickle.pt', 'wb') as file:
    pickle.dump(Attack(os.system, 'touch pwned'), file, protocol=2)
torch.save({'weight': torch.ones(1), 'attack': Attack(eval, "open('pwned', 'w')")}, OUT / 'attack-legacy.pt',
           _use_new_zipfile_serialization=False)

# A tensor that reaches beyond its storage: its sizes say 6 x 4 where the storage holds 24 values from 0, offset by one.
def with_changed_pickle(source, target, old, new):
    with zipfile.ZipFile(OUT / source) as archive, zipfile.ZipFile(OUT / target, 'w') as out:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith('data.pkl'):
                assert data.count(old) >= 1
                data = data.replace(old, new, 1)
            out.writestr(name, data)


torch.save({'weight': torch.arange(6.0).reshape(2, 3)}, OUT / 'small.pt')
with_changed_pickle('small.pt', 'beyond.pt', b'K\x00K\x02K\x03\x86', b'K\x01K\x02K\x03\x86')
