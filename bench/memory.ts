/** Resident memory of a process, as Linux counts it. */
import { readFileSync, writeFileSync } from 'node:fs';

/** The largest since the process began, or since {@link forgetPeak}, MiB; undefined where the system does not say. */
export function peakMemory(): number | undefined {
  try {
    // Not getrusage: what it calls the maximum begins with that of the process that started this one.
    const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
  } catch {
    return undefined;
  }
}

/** From here on the peak counts anew, beginning with what is resident now. */
export function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Elsewhere than on Linux there is nothing to forget, and no peak either.
  }
}
