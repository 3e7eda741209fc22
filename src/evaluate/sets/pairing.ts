/**
 * Which degraded picture belongs to which clean one, by their names.
 *
 * @module
 */
import { basename } from 'node:path';
import { ClearwordError } from '../../errors.ts';

export interface NamedPair {
  /** Path of the degraded picture, or of a result. */
  readonly input: string;
  readonly target: string;
}

export interface Pairing {
  /** In the order of the inputs. */
  readonly pairs: readonly NamedPair[];
  /** Targets that no input belongs to. */
  readonly unused: readonly string[];
}

/** Words that say what a picture is, and not which one: rain-001 and norain-001 are one scene. */
const ROLE =
  'no-?rain|rain(?:y)?|clear|clean|no-?haz[ey]|haz[ey]|nois[ey]|noisy|gt|hq|lq|input|target|output|restored|result|derained|dehazed|denoised|original|image|img|im';
const ROLE_BEFORE = new RegExp(`^(?:${ROLE})[-_. ]?(?=.*\\d|.{4,})`);
const ROLE_AFTER = new RegExp(`[-_. ](?:${ROLE}|x\\d|sigma[-_]?\\d+|noise[-_]?\\d+|noisy[-_]?\\d+)$`);

/** The name without extension, case, words for its role and zeros before a number: rain-001.png is 1. */
export function sceneOf(path: string): string {
  let name = basename(path)
    .replace(/\.[^.]+$/, '')
    .toLowerCase();
  for (let before = ''; before !== name; ) {
    before = name;
    name = name.replace(ROLE_AFTER, '').replace(ROLE_BEFORE, '');
  }
  // RainX2 sets write norain-001x2.
  return name.replace(/^(\d+)x\d$/, '$1').replace(/^0+(?=\d)/, '');
}

const stemOf = (path: string): string =>
  basename(path)
    .replace(/\.[^.]+$/, '')
    .toLowerCase();

/** Whether `part` is `whole`, or its beginning before a separator: 0001 begins 0001_0.8_0.12. */
const begins = (part: string, whole: string): boolean =>
  whole.startsWith(part) && (whole.length === part.length || /[-_. ]/.test(whole.charAt(part.length)));

/** Targets by a key, and the keys that several of them share. */
function indexed(targets: readonly string[], keyOf: (path: string) => string): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const target of targets) index.set(keyOf(target), [...(index.get(keyOf(target)) ?? []), target]);
  return index;
}

/**
 * Pairs by equal names; else by equal scenes (`sceneOf`); else by the longest target name that the input's begins with,
 * which is RESIDE's naming (scene_A_beta for scene) and that of most programs' results (photo_x4 for photo).
 *
 * @param what how to call the inputs in messages
 * @throws ClearwordError DATA_INVALID if an input has no target, or two
 */
export function pairByName(inputs: readonly string[], targets: readonly string[], what: string): Pairing {
  const byStem = indexed(targets, stemOf);
  const byScene = indexed(targets, sceneOf);
  const partnerOf = (input: string): string[] => {
    const exact = byStem.get(stemOf(input)) ?? byScene.get(sceneOf(input));
    if (exact) return exact;
    const candidates = [...byStem, ...byScene].filter(
      ([key]) => key !== '' && (begins(key, stemOf(input)) || begins(key, sceneOf(input))),
    );
    const longest = Math.max(0, ...candidates.map(([key]) => key.length));
    return [...new Set(candidates.filter(([key]) => key.length === longest).flatMap(([, found]) => found))];
  };
  const pairs: NamedPair[] = [];
  const problems: string[] = [];
  for (const input of inputs) {
    const [target, second] = partnerOf(input);
    if (target !== undefined && second === undefined) pairs.push({ input, target });
    else if (target === undefined) problems.push(`${basename(input)} belongs to none`);
    else problems.push(`${basename(input)} belongs to ${basename(target)} and ${basename(second ?? '')}`);
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 3).join('; ');
    const rest = problems.length > 3 ? ` and ${problems.length - 3} more` : '';
    throw new ClearwordError(
      'DATA_INVALID',
      `expected one target for each of ${inputs.length} ${what} among ${targets.length} pictures such as ${basename(targets[0] ?? 'none')}, received: ${shown}${rest}`,
      {
        fix: 'Name both alike (001.png and 001.png), or as the data set does (rain-001 and norain-001, 0001_0.8_0.1 and 0001).',
      },
    );
  }
  const used = new Set(pairs.map(({ target }) => target));
  return { pairs, unused: targets.filter((target) => !used.has(target)) };
}
