/**
 * What is asked of a training picture, and the words for it.
 *
 * @module
 */
import type { Random } from '../random/random.ts';
import type { PromptMixture } from './config.ts';
import type { DegradationSet } from './degradations/record.ts';
import { writePrompt } from './prompts.ts';

export interface DrawnRequest {
  readonly prompt: string;
  /** What the prompt asks to remove, present or not; everything for the empty prompt. */
  readonly asked: DegradationSet;
}

export interface RequestSubject {
  /** What the model knows. */
  readonly degradations: readonly string[];
  /** What the picture has. */
  readonly present: DegradationSet;
  /** Whether its degradations can only go together, as those of a pair of files. */
  readonly inseparable?: boolean;
  readonly captions: readonly string[];
}

export function drawRequest(random: Random, mixture: PromptMixture, subject: RequestSubject): DrawnRequest {
  const { degradations, present, captions } = subject;
  const everything = new Set(degradations);
  const kind = random.uniform();
  const caption = captions.length > 0 ? random.pick(captions) : undefined;
  if (kind < mixture.empty) return { prompt: '', asked: everything };
  if (kind < mixture.empty + mixture.captionOnly) return { prompt: caption ?? '', asked: everything };
  const beside = caption !== undefined && random.uniform() < mixture.withCaption ? { caption } : {};
  if (kind >= mixture.empty + mixture.captionOnly + mixture.subset) {
    // Naming everything reads like a list, so longer ones are rarer.
    const named = random.uniform() < 1.2 / degradations.length ? everything : null;
    return { prompt: writePrompt(random, { degradations, present, asked: named, ...beside }), asked: everything };
  }
  const asked = drawSubset(random, mixture, subject);
  return { prompt: writePrompt(random, { degradations, present, asked, ...beside }), asked };
}

/** Of the subsets, how often everything is asked for but one thing that is there. */
const ALL_BUT_ONE = 0.15;

/** Some of what is present, or now and then only what is not. */
function drawSubset(random: Random, mixture: PromptMixture, subject: RequestSubject): DegradationSet {
  const { degradations, present, inseparable = false } = subject;
  const there = random.shuffle(degradations.filter((name) => present.has(name)));
  const absent = random.shuffle(degradations.filter((name) => !present.has(name)));
  const useAbsent = absent.length > 0 && (there.length === 0 || random.uniform() < mixture.absent);
  if (useAbsent) return new Set(absent.slice(0, 1 + random.int(Math.min(3, absent.length))));
  if (inseparable) return new Set(there);
  const stays = there[0];
  if (there.length > 1 && stays !== undefined && random.uniform() < ALL_BUT_ONE) {
    return new Set(degradations.filter((name) => name !== stays));
  }
  // Of several degradations a proper subset, because asking for all of them is another kind of request.
  return new Set(there.slice(0, 1 + random.int(Math.max(1, there.length - 1))));
}
