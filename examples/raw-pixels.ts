/**
 * Restores pixels that never were a file, in four samples, and stops after a minute: npx tsx examples/raw-pixels.ts
 *
 * In a project of your own the import is from 'clearword'.
 */
import { Clearword, type RawPixels } from '../src/index.ts';

// A grey gradient under noise, 16 bits a value.
const [width, height] = [128, 96];
const data = Uint16Array.from({ length: width * height }, (_, i) => (i % width) * 400 + Math.random() * 12_000);
const pixels: RawPixels = { data, width, height, channels: 1 };

const clearword = await Clearword.load();
const result = await clearword.restore(pixels, {
  prompt: 'remove the noise',
  samples: 4,
  signal: AbortSignal.timeout(60_000),
  onProgress: ({ stage, fraction }) => console.log(`${stage} ${Math.round(100 * fraction)} %`),
});
const restored = result.pixels();
console.log(`first row: ${restored.data.subarray(0, 8).join(' ')}`);
await result.uncertainty?.image.toFile('uncertainty.png', { overwrite: true });
await clearword.dispose();
