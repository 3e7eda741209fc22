/** What a restoration keeps in memory beside the network, counted after collecting. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { fakeModel } from '../../test/support/fake-model.ts';
import type { Picture } from '../image/picture.ts';
import { settingsFor } from './options.ts';
import { restorePicture } from './restore-picture.ts';
import { planTiles } from './tiles.ts';

// The engine's own collector, which no flag of the process offers.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('3 megapixels: the pictures in and out, a band and a few tiles', async () => {
  const [width, height, megabyte] = [2000, 1500, 2 ** 20];
  const picture: Picture = { width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(90) };
  const held = () => {
    // Memory that the first has found unused is free after the second.
    collectGarbage();
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  let most = 0;
  const model = fakeModel({
    predict: ({ mu }) => {
      // They hold the tiles and the picture as it was inspected.
      model.calls.length = 0;
      model.inspected.length = 0;
      most = Math.max(most, held());
      return mu;
    },
  });
  await restorePicture(model, picture, settingsFor(model, { tile: 256 }));
  const { x, y } = planTiles(width, height, 256, 48);
  const band = (4 * y.side * width * 3) / megabyte;
  const result = (width * height * 3) / megabyte;
  // Of two tiles under way and one that is done: pixels, noise, room for more of it, state; and one array to spare. A float32
  // copy of the picture would be 34 MB.
  const tiles = ((3 * 4 + 1) * (4 * 3 * x.side * y.side)) / megabyte;
  expect((most - before) / megabyte).toBeLessThan(result + band + tiles);
});
