/**
 * Tasks that overlap in time, and their results in order.
 *
 * @module
 */

/**
 * Starts tasks one after the other, at most `most` at a time, and yields what each gives, in their order. While the caller
 * works on a result, later tasks go on. When one fails, or the caller stops, no further task is started, and those that are
 * under way are waited for.
 */
export async function* inOrder<T>(tasks: Iterable<() => Promise<T>>, most: number): AsyncGenerator<T, void, undefined> {
  const underWay: Promise<T>[] = [];
  try {
    for (const task of tasks) {
      const started = task();
      // Whoever awaits it is told; until then a failure is nobody's, which would end the process.
      started.catch(() => undefined);
      underWay.push(started);
      const [first] = underWay;
      if (first === undefined || underWay.length < most) continue;
      yield await first;
      underWay.shift();
    }
    for (const last of underWay) yield await last;
  } finally {
    await Promise.allSettled(underWay);
  }
}
