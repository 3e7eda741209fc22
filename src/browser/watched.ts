/**
 * A restoration that is looked at while it goes on: a small one before it, and each tile as it is done.
 *
 * @module
 */
import { wordsFor } from '../degradations/index.ts';
import type { Picture } from '../image/picture.ts';
import { type AnyModel, isPlain } from '../models/model.ts';
import { reduce } from '../restore/comparison.ts';
import type { RestoreSettings } from '../restore/options.ts';
import type { Decision } from '../restore/policy.ts';
import { type Hooks, restorePicture } from '../restore/restore-picture.ts';
import { networkPixels } from './estimate.ts';
import type { FromWorker, PartialPicture, WatchRequest } from './protocol.ts';

export type OnProgress = (progress: Extract<FromWorker, { progress: unknown }>['progress']) => void;
export type OnPartial = (partial: PartialPicture) => void;

/** Pixels of a preview at most. Of photos up to a megapixel it has half the sides. */
const PREVIEW = 2 ** 18;

interface Watching {
  readonly watch: WatchRequest;
  readonly onProgress: OnProgress;
  readonly onPartial: OnPartial;
  readonly signal: AbortSignal;
}

/** Whole factor by which a preview is smaller, at least 2. */
function previewFactor({ width, height }: Picture): number {
  return Math.max(2, Math.ceil(Math.sqrt((width * height) / PREVIEW)));
}

/**
 * What the small picture is asked for: what was decided on the whole one, in words that are obeyed. By itself it would find
 * less, because noise and fine rain fade as pictures become smaller.
 */
function promptOf({ removing, instruction }: Decision, model: AnyModel): string {
  // A plain network does what it does.
  if (isPlain(model)) return '';
  return model.careful ? `remove ${removing.map((name) => `the ${wordsFor(name).label}`).join(' and ')}` : instruction;
}

/** Hooks of a restoration that report what can be shown. Progress counts the pixels of the preview, too. */
export function watched(
  model: AnyModel,
  picture: Picture,
  settings: RestoreSettings,
  { watch, onProgress, onPartial, signal }: Watching,
): Hooks {
  const small = watch.preview ? reduce(picture, previewFactor(picture)) : undefined;
  // A noise level stays what it is told; the words for all else are those of the decision.
  const told = isPlain(model) ? settings.strengths : {};
  const quick: RestoreSettings = { ...settings, samples: 1, ensemble: false, amount: 1, strengths: told };
  const before = small ? networkPixels(small, quick, model) : 0;
  const share = before / (before + networkPixels(picture, settings, model));
  return {
    first: watch.first,
    onProgress: ({ stage, fraction }) =>
      onProgress({ stage, fraction: stage === 'inspect' ? 0 : share + (1 - share) * fraction }),
    onTile: (area, tile) => onPartial({ stage: 'tile', area, picture: tile }),
    onDecision: async (decision) => {
      if (small === undefined || decision.status === 'unchanged') return;
      const prompt = promptOf(decision, model);
      const { mean } = await restorePicture(
        model,
        small,
        { ...quick, prompt },
        { onProgress: ({ fraction }) => onProgress({ stage: 'restore', fraction: share * fraction }), signal },
      );
      const area = { x: 0, y: 0, width: picture.width, height: picture.height };
      onPartial({ stage: 'preview', area, picture: mean });
    },
  };
}
