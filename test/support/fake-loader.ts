/**
 * A stand-in for the model in processes of their own; the prompt says how it behaves.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Clearword } from '../../src/index.ts';
import { fakeModel } from './fake-model.ts';

/** Milliseconds a tile for the prompt `slow`. */
const SLOW = 60;

export async function load(): Promise<Clearword> {
  let prompt = '';
  const model = fakeModel({
    tile: 64,
    careful: false,
    async onPredict() {
      if (prompt === 'slow') await wait(SLOW);
      // Ends only by cancellation, which is looked at between the tiles.
      while (prompt === 'endless' && !stopped) await wait(5);
      // Never gives control back, as a driver that hangs.
      while (prompt === 'stuck');
      if (prompt === 'crash') process.kill(process.pid, 'SIGKILL');
      await wait(prompt === 'crash' ? 1000 : 0);
    },
  });
  let stopped = false;
  process.on('message', (message: { kind: string }) => {
    if (message.kind === 'cancel') stopped = true;
    if (message.kind === 'job') stopped = false;
  });
  const { encodeText } = model;
  model.encodeText = (text) => {
    prompt = text;
    return encodeText(text);
  };
  return new Clearword(model);
}
