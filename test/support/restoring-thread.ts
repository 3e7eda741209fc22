/**
 * A thread that restores a photo over and over until it is told to stop, as a program's own thread would: it aborts, disposes,
 * and ends by itself.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Clearword } from '../../src/index.ts';
import { patternPicture } from './pictures.ts';

const port = parentPort;
if (!port) throw new Error('restoring-thread runs in a worker thread');
const stop = new AbortController();
port.once('message', () => stop.abort());

const clearword = await Clearword.load({ model: String(workerData), threads: 1 });
let done = 0;
try {
  for (;;) {
    await clearword.restore(patternPicture(256, 256), { prompt: 'remove the noise', steps: 4, signal: stop.signal });
    if (done++ === 0) port.postMessage('working');
  }
} catch (error) {
  port.postMessage((error as { code?: string }).code);
}
await clearword.dispose();
