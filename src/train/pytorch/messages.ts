/**
 * Messages between `clearword train` and its PyTorch process: 4 bytes (little endian) with the length of a JSON header, the
 * header, and the raw values of the tensors that it lists. Numbers of pictures never pass through text.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../../errors.ts';
import type { HostData, HostTensors } from '../../runtime/protocol.ts';

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array } as const;

const headerSchema = z.object({
  /** Number of the request that is answered. */
  id: z.number(),
  /** What went wrong there. */
  error: z.string().optional(),
  /** Time that the device computed, ms. */
  busy: z.number().optional(),
  device: z.string().optional(),
  precision: z.string().optional(),
  compiled: z.boolean().optional(),
  torch: z.string().optional(),
  python: z.string().optional(),
  ranks: z.int().optional(),
  tensors: z.array(
    z.object({
      name: z.string(),
      dtype: z.enum(Object.keys(ARRAYS) as [keyof typeof ARRAYS, ...(keyof typeof ARRAYS)[]]),
      shape: z.array(z.int().min(0)).readonly(),
    }),
  ),
});

export interface Answer extends Omit<z.infer<typeof headerSchema>, 'tensors'> {
  readonly tensors: HostTensors;
}

/** What ends a run through PyTorch. The catalogue's fix is that of a restoration, with options that training does not have. */
export const failed = (message: string, cause?: unknown): ClearwordError =>
  new ClearwordError('RUNTIME_FAILED', message, {
    cause,
    fix: 'Go on with --resume from the last checkpoint; where memory is short, with a smaller batch or more `parts`.',
  });

const bytesOf = ({ buffer, byteOffset, byteLength }: HostData): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** A request as parts to be written one after the other; tensors are not copied. */
export function encodeMessage(header: Readonly<Record<string, unknown>>, tensors: HostTensors): Uint8Array[] {
  const described = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const text = new TextEncoder().encode(JSON.stringify({ ...header, tensors: described }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return [length, text, ...Object.values(tensors).map(({ data }) => bytesOf(data))];
}

/** Takes bytes as they come and gives the answers that they complete. */
export class AnswerReader {
  readonly #parser: Generator<number, never, Uint8Array<ArrayBuffer>>;
  readonly #answers: Answer[] = [];
  /** What is being filled. */
  #target: Uint8Array<ArrayBuffer>;
  #filled = 0;

  constructor() {
    this.#parser = this.#parse();
    this.#target = new Uint8Array(this.#parser.next().value);
  }

  /** @throws ClearwordError RUNTIME_FAILED if the bytes are no answer */
  push(chunk: Uint8Array): Answer[] {
    let rest = chunk;
    while (rest.length > 0 || this.#target.length === this.#filled) {
      const part = rest.subarray(0, this.#target.length - this.#filled);
      this.#target.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled < this.#target.length) break;
      this.#target = new Uint8Array(this.#parser.next(this.#target).value);
      this.#filled = 0;
    }
    return this.#answers.splice(0);
  }

  /** Yields the number of bytes that it wants next. */
  *#parse(): Generator<number, never, Uint8Array<ArrayBuffer>> {
    for (;;) {
      const length = new DataView((yield 4).buffer).getUint32(0, true);
      const { tensors, ...header } = parseHeader(yield length);
      const values: Record<string, HostTensors[string]> = {};
      for (const { name, dtype, shape } of tensors) {
        const size = shape.reduce((product, side) => product * side, ARRAYS[dtype].BYTES_PER_ELEMENT);
        values[name] = { dtype, shape, data: new ARRAYS[dtype]((yield size).buffer) };
      }
      this.#answers.push({ ...header, tensors: values });
    }
  }
}

function parseHeader(bytes: Uint8Array) {
  const text = new TextDecoder().decode(bytes);
  try {
    return headerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw failed(`PyTorch process: expected an answer, received ${text.slice(0, 80)}`, cause);
  }
}
