/**
 * Restores one photo: npx tsx examples/restore.ts rainy.jpg clear.jpg "remove the rain"
 *
 * In a project of your own the import is from 'clearword'.
 */
import { Clearword } from '../src/index.ts';

const [input = 'rainy.jpg', output = 'clear.jpg', prompt = ''] = process.argv.slice(2);
const clearword = await Clearword.load();
const restored = await clearword.restore(input, { prompt });
await restored.toFile(output);
await clearword.dispose();
console.log(`${output}: ${restored.width} x ${restored.height}, seed ${restored.provenance.seed}`);
