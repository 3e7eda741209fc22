/** The library in a thread of somebody else's program, which ends in the middle of a restoration. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startWorker } from '../../src/runtime/worker-url.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** Milliseconds after the first restoration, when the second is under way. */
const INTO_IT = 15;

const folder = await temporaryFolder();

// A run cannot be stopped, and a thread that is terminated within one takes the whole process with it: docs/embedding.md.
it('aborts and disposes in the middle, and then ends by itself', async () => {
  const model = join(folder, 'tiny.safetensors');
  await writeTinyModel(model);
  const thread = startWorker(import.meta.url, '../support/restoring-thread', { workerData: model });
  const messages: unknown[] = [];
  thread.on('message', (message) => messages.push(message));
  const ended = once(thread, 'exit');
  await once(thread, 'message');
  await wait(INTO_IT);
  thread.postMessage('stop');
  expect(await ended).toEqual([0]);
  expect(messages).toEqual(['working', 'CANCELLED']);
});
