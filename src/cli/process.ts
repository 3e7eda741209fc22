/**
 * The command line on this process's streams and signals.
 *
 * @module
 */
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
    signal: controller.signal,
    loadModel,
  });
  process.exitCode = interrupted ?? exitCode;
}
