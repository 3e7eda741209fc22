/**
 * What the step in Python does where a card or its memory fails it, with a pretended card.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { PYTHON, required } from '../../../test/support/required.ts';
import { pythonEnvironment } from './python.ts';

const { missing, note } = required('pytorch');

/** What Python prints. */
function run(code: string): string {
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', code], { env: pythonEnvironment(), encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

describe.skipIf(missing)(`a step in Python${note}`, () => {
  it('is recorded only by a PyTorch that can record beside other threads', () => {
    const said = run(`
import torch

class Older:
    def __init__(self, cuda_graph, pool=None, stream=None): pass

class Newer:
    def __init__(self, cuda_graph, pool=None, stream=None, capture_error_mode="global"): pass

import importlib
from clearword_torch import recording
for kind in Older, Newer:
    torch.cuda.graph = kind
    print(importlib.reload(recording).CAN_RECORD)`);
    expect(said).toBe('False\nTrue\n');
  });

  it.each(['RuntimeError', 'TypeError'])('goes on without a recording that ends in %s', (error) => {
    const said = run(`
import torch
from clearword_torch.step import LAUNCHED, TrainingStep

torch.cuda.synchronize = lambda device: None
def fail(*_):
    raise ${error}("of two\\nlines")
step = TrainingStep.__new__(TrainingStep)
step.recordable, step.recording, step.launches, step.device = True, None, 0, "cuda"
step.record, step.forget_gradients, step.launched = fail, lambda: None, lambda given, scalars: "launched"
for _ in range(LAUNCHED + 1):
    print(step.replayed({}, {}))
print(step.recordable)`);
    expect(said).toMatch(/^(launched\n){5}False\nclearword_torch: a step cannot be recorded, .*: of two lines\n$/);
  });

  it('is thought faster in bfloat16 where the processor has it and it was measured', () => {
    const said = run(`
import torch
from clearword_torch import device

def taking(bfloat16, float32):
    return lambda dtype: bfloat16 if dtype == torch.bfloat16 else float32
device.has_amx = lambda: True
print(device.bfloat16_pays(taking(1.0, 2.5)), device.bfloat16_pays(taking(1.0, 1.5)))
print(device.seconds_of(torch.float32, 8) > 0, device.seconds_of(torch.bfloat16, 8) > 0)
device.has_amx = lambda: False
print(device.bfloat16_pays(taking(1.0, 2.5)))`);
    expect(said).toBe('True False\nTrue True\nFalse\n');
  });

  it('has no more ranks than there are cards, or than the run has', () => {
    const said = run(`
import os, torch
from clearword_torch.ranks import Ranks

torch.cuda.device_count = lambda: 2
for size in "", "2":
    os.environ["WORLD_SIZE"] = size
    try:
        Ranks.lead(3, "cuda")
    except ValueError as error:
        print(error)`);
    const cards = 'ranks: expected at most 2, a card for each, received 3\n';
    expect(said).toBe(`${cards}WORLD_SIZE: expected the 3 ranks of this machine or more, received 2\n`);
  });
});
