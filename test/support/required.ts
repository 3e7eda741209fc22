/**
 * Programs that tests use and that npm does not install. Without one, the tests that need it are skipped, and say so in
 * their names; where `CLEARWORD_REQUIRE` lists it, as in .ci/run, they fail instead.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Where Debian puts it; elsewhere the variable says. */
export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
/** Debian's own: a `python3` that comes first in the path often has no PyTorch. */
export const PYTHON = process.env.PYTHON_PATH ?? '/usr/bin/python3';

const FIND_TORCH = 'import importlib.util as u, sys; sys.exit(None in (u.find_spec("torch"), u.find_spec("numpy")))';

/** A program that tests need. */
interface Program {
  readonly isThere: () => boolean;
  /** What was looked for. */
  readonly what: string;
  /** How to get it. */
  readonly fix: string;
}

const PROGRAMS = {
  redis: {
    isThere: () => spawnSync('redis-server', ['--version']).status === 0,
    what: 'redis-server in the PATH',
    fix: 'Debian: apt-get install redis-server',
  },
  chromium: {
    isThere: () => existsSync(CHROMIUM),
    what: `Chromium at ${CHROMIUM}`,
    fix: 'Debian: apt-get install chromium; elsewhere set CHROMIUM_PATH',
  },
  pytorch: {
    isThere: () => spawnSync(PYTHON, ['-c', FIND_TORCH]).status === 0,
    what: `PyTorch and NumPy for ${PYTHON}`,
    fix: 'Debian: apt-get install python3-torch; elsewhere set PYTHON_PATH',
  },
} satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[];

export interface Availability {
  /** Skip tests that need the program. */
  readonly missing: boolean;
  /** Why, for the names of the skipped tests; empty where it is there. */
  readonly note: string;
}

/**
 * Whether the program is there.
 *
 * @param list names separated by commas; those of programs that have to be there
 * @throws where it is missing and in the list, or the list has a name that nobody knows
 */
export function required(name: ProgramName, list = process.env.CLEARWORD_REQUIRE ?? ''): Availability {
  const names = list.split(',').filter((each) => each !== '');
  const unknown = names.find((each) => !PROGRAM_NAMES.some((known) => known === each));
  if (unknown !== undefined)
    throw new Error(`expected ${PROGRAM_NAMES.join(', ')} for CLEARWORD_REQUIRE, received ${unknown}`);
  const { isThere, what, fix } = PROGRAMS[name];
  if (isThere()) return { missing: false, note: '' };
  if (names.includes(name)) throw new Error(`expected ${what}, which CLEARWORD_REQUIRE asks for. ${fix}`);
  return { missing: true, note: ` (skipped: no ${what}. ${fix})` };
}
