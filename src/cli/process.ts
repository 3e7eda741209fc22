/**
 * The command line on this process's streams and signals.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './command.ts';
import { runCommandLine } from './program.ts';

/** Exit codes of a process that a signal ended: 128 + its number. */
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143 } as const;

/** Runs the command of this process's arguments and sets its exit code. */
export async function runProcess(loadModel: CommandContext['loadModel']): Promise<void> {
  const controller = new AbortController();
  let interrupted: number | undefined;
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, async () => {
      if (interrupted !== undefined) {
        // The second time: do not wait for the step that is running.
        const { removeUnfinishedFiles } = await import('../atomic-file.ts');
        removeUnfinishedFiles();
        process.exit(code);
      }
      interrupted = code;
      controller.abort();
    });
  }
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  const { stdout, stderr } = process;
  const exitCode = await runCommandLine(process.argv.slice(2), {
    stdout,
    stderr,
    readStdin,
    signal: controller.signal,
    loadModel,
  });
  process.exitCode = interrupted ?? exitCode;
}

async function readStdin(mostBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > mostBytes) {
      throw new ClearwordError(
        'IMAGE_TOO_LARGE',
        `expected at most ${mostBytes} bytes on standard input, received more`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
