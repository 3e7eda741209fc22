/**
 * Restores a JPEG of so many pixels into a JPEG with a network that gives back what it gets, in a process of its own, and prints
 * the peak of its resident memory: what a photo costs besides the network.
 *
 *   peak-memory.ts photo.jpg result.jpg
 *
 * @module
 */
import { peakMemory } from '../../bench/memory.ts';
import { Clearword } from '../../src/clearword.ts';
import { fakeModel } from './fake-model.ts';

const [input = '', output = ''] = process.argv.slice(2);
const model = fakeModel({
  tile: 512,
  predict: ({ mu }) => {
    // They hold the tiles.
    model.calls.length = 0;
    return mu;
  },
});
const result = await new Clearword(model).restore(input);
await result.toFile(output);
console.log(JSON.stringify({ status: result.decision.status, peak: peakMemory() }));
