/**
 * The progress bar of a terminal.
 *
 * @module
 */
import type { SingleBar } from 'cli-progress';
import type { DownloadProgress } from '../hub/download.ts';
import type { OutputStream } from './command.ts';

export interface ProgressDisplay {
  /** @param fraction 0..1 of everything; @param text what is being done */
  update(fraction: number, text: string): void;
  /** Takes the bar away while something else is written to the terminal. */
  around(write: () => void): void;
  stop(): void;
}

/** For output that is not a terminal: a log needs no bar. */
const SILENT: ProgressDisplay = { update() {}, around: (write) => write(), stop() {} };

const ERASE_LINE = '\r\u001B[K';
const RESOLUTION = 1000;

/** A bar with an estimate of the time left on a terminal, nothing elsewhere. */
export async function progressDisplay(stream: OutputStream): Promise<ProgressDisplay> {
  if (stream.isTTY !== true) return SILENT;
  const { default: cliProgress } = await import('cli-progress');
  const bar: SingleBar = new cliProgress.SingleBar({
    // The bar writes to the stream as to a terminal; OutputStream is the part of it that this program names.
    stream: stream as NodeJS.WritableStream,
    format: '{bar} {percentage} %  {eta_formatted} left  {text}',
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 50,
    fps: 8,
  });
  bar.start(RESOLUTION, 0, { text: '' });
  return {
    update: (fraction, text) => bar.update(Math.round(fraction * RESOLUTION), { text }),
    around(write) {
      stream.write(ERASE_LINE);
      write();
    },
    stop: () => bar.stop(),
  };
}

/** Shows a download, with the bytes for those whose size nobody tells. */
export function showDownload(display: ProgressDisplay, what: string, { received, total }: DownloadProgress): void {
  display.update(total === undefined ? 0 : received / total, `downloading ${what}: ${Math.round(received / 1e6)} MB`);
}
