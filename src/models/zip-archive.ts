/**
 * The entries of a zip file, read one at a time, so that a file of gigabytes never lies in memory whole.
 *
 * @module
 */
import { close, createReadStream, fstatSync, openSync, read } from 'node:fs';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';

export interface ZipArchive {
  readonly names: readonly string[];
  read(name: string): Promise<Buffer>;
  close(): void;
}

/**
 * Reads what a zip file points to, if that is inside of the file. The package's own reader hands any number on to Node, which
 * throws at one beyond 2^53 where nobody can catch it.
 */
class BoundedReader extends RandomAccessReader {
  readonly size: number;
  readonly #file: number;

  constructor(path: string) {
    super();
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  #problem(start: number, end: number): Error | undefined {
    const inside = Number.isSafeInteger(start) && start >= 0 && start <= end && end <= this.size;
    return inside ? undefined : new Error(`it points to bytes ${start} to ${end} of ${this.size}`);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    const problem = this.#problem(position, position + length);
    if (problem) setImmediate(callback, problem);
    else read(this.#file, buffer, offset, length, position, (error) => callback(error));
  }

  /** The bytes from `start` up to `end`; the file stays open until the archive is closed. */
  override createReadStream({ start, end }: { readonly start: number; readonly end: number }): Readable {
    const problem = this.#problem(start, end);
    if (!problem && start === end) return Readable.from([]);
    if (!problem) return createReadStream('', { fd: this.#file, autoClose: false, start, end: end - 1 });
    return new Readable({
      read() {
        this.destroy(problem);
      },
    });
  }

  override close(callback: (error: Error | null) => void): void {
    close(this.#file, (error) => callback(error ?? null));
  }
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
  const reader = new BoundedReader(path);
  const options = { lazyEntries: true, autoClose: false };
  const zip = await fromRandomAccessReaderPromise(reader, reader.size, options).catch((cause) => {
    reader.close(() => undefined);
    return damaged(cause);
  });
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
