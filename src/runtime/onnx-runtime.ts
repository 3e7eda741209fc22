/**
 * The one way to ONNX Runtime: its telemetry is off before it is loaded. By itself the runtime keeps a device id and a
 * database in the user's home, writes logs into the temporary folder, and sends what it gathers to its maker.
 *
 * @module
 */
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';
import { ClearwordError } from '../errors.ts';

/** Read by the runtime, from the environment of the process, when it makes its first session. */
const NAME = 'ORT_DISABLE_TELEMETRY';
const OFF = '1';
/** Milliseconds that the main thread has for setting it. */
const PATIENCE = 10_000;

/** Loads the runtime. Errors: RUNTIME_FAILED, if nobody can switch the telemetry off. */
export async function onnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  await disableTelemetry();
  return import('onnxruntime-node');
}

/**
 * Switches the runtime's telemetry off, whatever the environment says, for this process and those that it starts.
 *
 * Errors: RUNTIME_FAILED.
 */
export async function disableTelemetry(): Promise<void> {
  if (disableTelemetryOfMainThread()) return;
  // Only what the main thread sets reaches the runtime: this thread's `process.env` is a copy, made when it was started.
  if (process.env[NAME] === OFF) return;
  await setInMainThread();
  process.env[NAME] = OFF;
}

/** The same without waiting, where it can be done so: before the threads are started that load the runtime. */
export function disableTelemetryOfMainThread(): boolean {
  if (isMainThread) process.env[NAME] = OFF;
  return isMainThread;
}

/** For programs that use the library in a thread of their own. */
async function setInMainThread(): Promise<void> {
  const session = new Session();
  let late: NodeJS.Timeout | undefined;
  try {
    session.connectToMainThread();
    await new Promise<void>((resolve, reject) => {
      late = setTimeout(() => reject(new Error('the main thread does not answer')), PATIENCE);
      const expression = `process.env.${NAME} = '${OFF}'`;
      session.post('Runtime.evaluate', { expression }, (error, answer) => {
        if (error) reject(error);
        else if (answer.exceptionDetails) reject(new Error(answer.exceptionDetails.text));
        else resolve();
      });
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ClearwordError(
      'RUNTIME_FAILED',
      `expected to switch off the telemetry of ONNX Runtime from a thread: ${reason}`,
      { fix: `Start the program with ${NAME}=${OFF} in its environment.`, cause },
    );
  } finally {
    clearTimeout(late);
    session.disconnect();
  }
}
