/**
 * Where Python and PyTorch are.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ClearwordError } from '../../errors.ts';

const run = promisify(execFile);

/** Folder of the package that the process runs. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../python', import.meta.url));

/** Where PyTorch is looked for, in this order. */
const USUAL = ['python3', '/usr/bin/python3', 'python'] as const;

export const INSTALL =
  'Install it with `pip install torch` (or `apt-get install python3-torch`), or name another interpreter with --python.';

/** Says whether PyTorch is there without the seconds that loading it takes. */
const LOOK = 'import importlib.util as u, sys; sys.exit(0 if u.find_spec("torch") else 1)';

/** The environment of a Python process of ours. */
export const pythonEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PYTHONPATH: [PACKAGE_ROOT, process.env.PYTHONPATH].filter(Boolean).join(delimiter),
  PYTHONDONTWRITEBYTECODE: '1',
});

type Found = 'torch' | 'python' | 'nothing';

async function look(python: string): Promise<Found> {
  try {
    await run(python, ['-c', LOOK]);
    return 'torch';
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 1 ? 'python' : 'nothing';
  }
}

/**
 * An interpreter that has PyTorch: the one asked for, that of the environment's CLEARWORD_PYTHON, or the first usual one.
 *
 * @throws ClearwordError PACKAGE_MISSING with the command that installs what is missing
 */
export async function findPython(asked = process.env.CLEARWORD_PYTHON): Promise<string> {
  const candidates = asked === undefined || asked === '' ? USUAL : [asked];
  const seen: Found[] = [];
  for (const python of candidates) {
    const found = await look(python);
    if (found === 'torch') return python;
    seen.push(found);
  }
  const where = candidates.join(', ');
  if (!seen.includes('python')) {
    throw new ClearwordError(
      'PACKAGE_MISSING',
      `engine pytorch: expected a Python interpreter, found none as ${where}`,
      {
        fix: `Install Python 3.9 or later. ${INSTALL}`,
      },
    );
  }
  throw new ClearwordError('PACKAGE_MISSING', `engine pytorch: expected PyTorch in ${where}, found none`, {
    fix: INSTALL,
  });
}

const probeSchema = z.object({ torch: z.string(), cuda: z.string().nullable(), bfloat16: z.boolean() });
export type PyTorchProbe = z.infer<typeof probeSchema>;

const PROBE = `import json, torch
from clearword_torch.device import bfloat16_pays
cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
print(json.dumps({"torch": torch.__version__, "cuda": cuda, "bfloat16": bfloat16_pays()}))`;

/**
 * Version of an interpreter's PyTorch, the name of its CUDA device, and whether it was measured to be much faster on this processor
 * in bfloat16 than in float32; undefined if it cannot be loaded.
 */
export async function probePyTorch(python: string): Promise<PyTorchProbe | undefined> {
  try {
    const { stdout } = await run(python, ['-c', PROBE], { env: pythonEnvironment() });
    return probeSchema.parse(JSON.parse(stdout));
  } catch {
    return undefined;
  }
}
