/**
 * Queues by their addresses.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { FolderStore } from '../store/folder-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { EmbeddedQueue } from './embedded-queue.ts';
import { lockFolder } from './folder-lock.ts';
import type { JobQueue } from './job-queue.ts';
import { RedisQueue } from './redis-queue.ts';
import type { RedisQueueSettings } from './redis-settings.ts';

export interface QueueSettings extends Omit<RedisQueueSettings, 'url'> {
  /** `embedded`, or the URL of a Redis server. */
  readonly address: string;
  readonly store: ObjectStore;
}

/** Errors: INVALID_OPTION, PACKAGE_MISSING, UNAVAILABLE, STORE_FAILED. */
export async function openQueue({ address, store, ...settings }: QueueSettings): Promise<JobQueue> {
  if (/^rediss?:\/\//.test(address)) return RedisQueue.open({ ...settings, url: checkedUrl(address) });
  if (address !== 'embedded') {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected embedded, redis://... or rediss://... for --queue, received ${address}`,
    );
  }
  if (!(store instanceof FolderStore)) {
    throw new ClearwordError(
      'INVALID_OPTION',
      `expected a folder for --store with the embedded queue, received ${store.address}`,
      {
        fix: 'Give --store a folder, or keep the queue in Redis: --queue redis://host:6379.',
      },
    );
  }
  const release = await lockFolder(store.address);
  try {
    const queue = await EmbeddedQueue.open(store, settings);
    const close = queue.close.bind(queue);
    queue.close = async () => {
      await close();
      await release();
    };
    return queue;
  } catch (error) {
    await release();
    throw error;
  }
}

function checkedUrl(address: string): string {
  if (URL.canParse(address) && new URL(address).hostname !== '') return address;
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected a URL such as redis://host:6379 for --queue, received ${address}`,
  );
}
