/**
 * Thread that makes training batches; `loader.ts` starts it and gives it steps.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { ClearwordError, type ErrorCode } from '../errors.ts';
import { type Batch, makeBatch } from './batch.ts';
import type { DataConfig } from './config.ts';
import type { DatasetIndex } from './dataset.ts';
import type { SharedPictures } from './picture-store.ts';
import { TrainingPictures } from './sample.ts';

/** What the thread starts with. */
export interface LoaderWorkerData {
  readonly index: DatasetIndex;
  readonly config: DataConfig;
  readonly degradations: readonly string[];
  readonly viewSide: number | undefined;
  readonly batchSize: number;
  readonly pictures: SharedPictures;
}

/** What the thread answers to a step number. */
export type LoaderWorkerReply =
  | { readonly kind: 'batch'; readonly batch: Batch }
  | {
      readonly kind: 'error';
      readonly step: number;
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly fix: string;
    };

const port = parentPort;
if (port !== null) {
  const { index, config, pictures: shared, degradations, viewSide, batchSize } = workerData as LoaderWorkerData;
  const request = { degradations, batchSize, ...(viewSide !== undefined && { viewSide }) };
  // The picture library's own threads would compete with the training step for the cores.
  sharp.concurrency(1);
  sharp.cache(false);
  const pictures = new TrainingPictures(index, shared);
  port.on('message', (step: number) => {
    makeBatch(pictures, config, { ...request, step }).then(
      (batch) => {
        const reply: LoaderWorkerReply = { kind: 'batch', batch };
        const arrays = [
          batch.input,
          batch.target,
          batch.presence,
          batch.strength,
          batch.asked,
          ...(batch.view ? [batch.view] : []),
        ];
        port.postMessage(
          reply,
          arrays.map((array) => array.buffer),
        );
      },
      (cause: unknown) => {
        const known = cause instanceof ClearwordError;
        const reply: LoaderWorkerReply = {
          kind: 'error',
          step,
          code: known ? cause.code : null,
          message: cause instanceof Error ? cause.message : String(cause),
          fix: known ? cause.fix : '',
        };
        port.postMessage(reply);
      },
    );
  });
}
