/**
 * Results that another system made of a set's pictures, in the place of the degraded ones.
 *
 * @module
 */
import { basename } from 'node:path';
import { ClearwordError } from '../../errors.ts';
import { sceneOf } from './pairing.ts';
import { type EvaluationCase, fitTarget, readPicture } from './pictures.ts';

const stemOf = (path: string): string => basename(path).replace(/\.[^.]+$/, '');

/**
 * The set with the results as inputs: files are named as the set's pictures are, or show the same scene.
 *
 * @throws ClearwordError DATA_INVALID if a picture has no result, because means over other pictures cannot be compared
 */
export function casesOfOutputs(cases: readonly EvaluationCase[], files: readonly string[]): readonly EvaluationCase[] {
  const byName = new Map(files.map((path) => [stemOf(path), path]));
  const byScene = new Map(files.map((path) => [sceneOf(path), path]));
  return cases.map((entry) => {
    const input = byName.get(entry.id) ?? byScene.get(sceneOf(`${entry.id}.png`));
    if (input === undefined) {
      throw new ClearwordError('DATA_INVALID', `expected a result for the picture ${entry.id}, received none`, {
        fix: 'Name the results as the pictures of the set are named.',
      });
    }
    return {
      ...entry,
      input,
      async load(signal) {
        const [result, { target }] = await Promise.all([readPicture(input, signal), entry.load(signal)]);
        return { input: result, target: fitTarget(result, target, { input, target: entry.target }) };
      },
    };
  });
}
