/**
 * Giving memory back before the garbage collector looks, which sees a few small objects and not the megabytes behind them.
 *
 * @module
 */

/** Whether these bytes are all of their buffer, and nobody else's. */
export function fillsBuffer({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}

/** Frees the memory behind these values, which are then empty; nothing happens where they share a buffer with others. */
export function discard(values: ArrayBufferView): void {
  // What is empty may be gone already, and cannot go twice.
  if (values.byteLength === 0 || !fillsBuffer(values)) return;
  const { port1, port2 } = new MessageChannel();
  // What is sent to a port that is closed is gone.
  port2.close();
  port1.postMessage(undefined, [values.buffer as ArrayBuffer]);
  port1.close();
}
