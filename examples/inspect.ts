/**
 * Says what is wrong with photos: npx tsx examples/inspect.ts photo.jpg another.png
 *
 * In a project of your own the import is from 'clearword'.
 */
import { Clearword, ClearwordError } from '../src/index.ts';

const clearword = await Clearword.load({ device: 'cpu' });
for (const path of process.argv.slice(2)) {
  try {
    const { degradations } = await clearword.inspect(path);
    for (const [name, { probability, strength }] of Object.entries(degradations)) {
      console.log(`${path}: ${name} ${Math.round(100 * probability)} %, strength ${strength.toFixed(2)}`);
    }
  } catch (error) {
    if (!(error instanceof ClearwordError)) throw error;
    console.error(`${error.code}: ${error.message}\n${error.fix}`);
  }
}
await clearword.dispose();
