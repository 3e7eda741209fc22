/**
 * What a network asks of the batches that it is trained on.
 *
 * @module
 */
import type { BatchRequest } from '../data/batch.ts';
import type { TrainedPreset } from '../models/plain/presets.ts';

/** The degradations that it learns, and the side of the whole view, where its controller looks at one. */
export function batchForm({ degradations, encoders }: TrainedPreset): Pick<BatchRequest, 'degradations' | 'viewSide'> {
  const side = encoders?.controller.view?.side;
  return { degradations, ...(side !== undefined && { viewSide: side }) };
}
