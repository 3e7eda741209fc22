/**
 * The entries of a zip file, read one at a time, so that a file of gigabytes never lies in memory whole.
 *
 * @module
 */
import { crc32 } from 'node:zlib';
import { type Entry, openPromise } from 'yauzl';

export interface ZipArchive {
  readonly names: readonly string[];
  read(name: string): Promise<Buffer>;
  close(): void;
}

/**
 * Lists a zip file. Entries have to be stored as they are, as PyTorch writes them: then no entry is longer than the file.
 * The caller closes it.
 */
export async function openZipArchive(
  path: string,
  fail: (expected: string, received: string) => never,
): Promise<ZipArchive> {
  const damaged = (cause: unknown): never =>
    fail('an undamaged zip file', cause instanceof Error ? cause.message : String(cause));
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch(damaged);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
  } catch (cause) {
    zip.close();
    damaged(cause);
  }
  const bytesOf = async (entry: Entry): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of await zip.openReadStreamPromise(entry)) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  return {
    names: [...entries.keys()],
    async read(name) {
      const entry = entries.get(name);
      if (!entry) return fail(`the entry ${name}`, 'a zip file without it');
      if (entry.compressionMethod !== 0) fail(`the entry ${name} uncompressed, as PyTorch writes it`, 'compressed');
      const bytes = await bytesOf(entry).catch(damaged);
      // PyTorch can be told to leave the checksum out.
      if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32) fail(`the checksum of ${name}`, 'another (it is damaged)');
      return bytes;
    },
    close: () => zip.close(),
  };
}
