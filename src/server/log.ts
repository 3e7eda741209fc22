/**
 * The log: one JSON object a line.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type Logger, pino } from 'pino';

/**
 * Who knows the id of a restoration can fetch it, so that logs have a name for it that leads nowhere: wherever an id comes from,
 * be it a message, a stack or a key of the store. Nothing else that is logged has 40 hex digits.
 */
const ID = /(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/g;
const nameOf = (id: string): string => `job-${createHash('sha256').update(id).digest('hex').slice(0, 8)}`;

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
    { write: (text: string) => void destination.write(text.replaceAll(ID, nameOf)) },
  );
}
