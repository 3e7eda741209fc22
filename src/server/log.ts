/**
 * The log: one JSON object a line.
 *
 * @module
 */
import { type Logger, pino } from 'pino';

/** What a log is written to. */
interface Destination {
  write(text: string): unknown;
}

/** Lines have their time as people read it, and the name of their level. */
export function createLog(level: string, destination: Destination): Logger {
  return pino(
    {
      level,
      base: { service: 'clearword' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text: string) => void destination.write(text) },
  );
}
