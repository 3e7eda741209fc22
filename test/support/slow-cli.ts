/**
 * The program with a model that takes 50 ms a tile, to be interrupted by a signal.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { runProcess } from '../../src/cli/process.ts';
import { Clearword } from '../../src/index.ts';
import { fakeModel } from './fake-model.ts';

await runProcess(async () => {
  // Told to the test, which interrupts once a tile is under way.
  const onPredict = async () => {
    process.stderr.write('tile\n');
    await wait(50);
  };
  return new Clearword(fakeModel({ tile: 64, predict: ({ mu }) => mu, onPredict }));
});
