/**
 * What a model's card says of its controller: how sure it has to be before something is removed.
 *
 * @module
 */
import { z } from 'zod';
import type { Finding } from './model.ts';

const share = z.number().min(0).max(1);

/** For one degradation; measured on pictures that neither training nor tests saw. */
export const calibrationSchema = z
  .strictObject({
    /** Divides the logit of the network's probability (Guo et al. 2017); 1 leaves it. */
    temperature: z.number().positive().default(1),
    /** Calibrated probability from which it counts as found, and is removed without being asked for. */
    found: share.default(0.5),
    /** Probability from which it is mentioned; between the two it is left alone. */
    perhaps: share.default(0.5),
    /** Strength from which it can be found; weaker, it is mentioned at most. */
    leastStrength: share.optional(),
    /** Share of the pictures without it in which it is found. */
    falseRate: share.optional(),
    /** Share of the pictures with it in which it is not found. */
    missedRate: share.optional(),
  })
  .refine(({ found, perhaps }) => perhaps <= found, { message: 'expected perhaps to be at most found' });

export type Calibration = Readonly<z.infer<typeof calibrationSchema>>;

/** Of a model whose card says nothing: more sure than not. */
export const UNCALIBRATED: Calibration = { temperature: 1, found: 0.5, perhaps: 0.5 };

/** Least distance of a probability from 0 and 1, where logits end. */
const EDGE = 1e-7;

/** A degradation's finding from what the network says: its probability before calibration, and its strength, 0..1. */
export function judge(
  raw: { readonly probability: number; readonly strength: number },
  { temperature, found, perhaps, leastStrength = 0 }: Calibration = UNCALIBRATED,
): Finding {
  const p = Math.min(1 - EDGE, Math.max(EDGE, raw.probability));
  const calibrated = temperature === 1 ? raw.probability : 1 / (1 + ((1 - p) / p) ** (1 / temperature));
  const isFound = calibrated >= found && raw.strength >= leastStrength;
  const verdict = isFound ? 'found' : calibrated >= perhaps ? 'perhaps' : 'absent';
  return { probability: calibrated, strength: raw.strength, verdict };
}
