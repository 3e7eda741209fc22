/**
 * The runtime's failures as errors of the catalogue.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { Device } from './protocol.ts';

/** How ONNX Runtime, its allocators and its providers say that memory is used up; the rest of their words names a node. */
const OUT_OF_MEMORY =
  /failed to allocate|allocation failed|bad_alloc|bad allocation|out[ _]of[ _](?:device[ _])?memory|CUDA failure 2\b|ALLOC_FAILED/i;

export function runtimeFailure(device: Device, message: string): ClearwordError {
  if (!OUT_OF_MEMORY.test(message)) return new ClearwordError('RUNTIME_FAILED', `${device}: ${message}`);
  const wanted = /buffer of size (\d+)/.exec(message)?.[1];
  const amount = wanted === undefined ? '' : ` of ${Math.ceil(Number(wanted) / 2 ** 20)} MiB in one piece`;
  return new ClearwordError(
    'RUNTIME_FAILED',
    `${device}: expected memory for a tile, but there is too little${amount}`,
    {
      fix: 'Use a smaller tile (--tile 256), fewer processes, or a machine with more memory.',
      cause: new Error(message),
    },
  );
}
