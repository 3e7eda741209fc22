/**
 * A worker that never ends its job: `vanishing-worker.ts <queue> <name> <store>`. Says when it has one, and is killed then.
 *
 * @module
 */
import { openQueue } from '../../src/queue/open-queue.ts';
import { openStore } from '../../src/store/open-store.ts';
import { endless, settings } from './jobs.ts';

const [, , address = '', name = '', folder = ''] = process.argv;
const queue = await openQueue({ ...settings, name, address, store: await openStore(folder) });
await queue.work(
  (job, hooks) => {
    // After the journal has been written.
    setTimeout(() => process.stdout.write(`${job.id}\n`), 200);
    return endless(job, hooks);
  },
  { concurrency: 1 },
);
