/**
 * Errors as HTTP answers: application/problem+json (RFC 9457) with the catalogue's codes.
 *
 * @module
 */
import { ClearwordError, catalogue, type ErrorCode } from '../errors.ts';
import { restoreOptionsSchema } from '../restore/options.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** What a client can do where the catalogue speaks to whoever types a command. */
const FIX_OVER_HTTP: Partial<Readonly<Record<ErrorCode, string>>> = {
  INVALID_OPTION: 'Correct the field or header; /docs on the server describes all of them with their ranges.',
  IMAGE_TOO_LARGE: 'Send a smaller picture.',
};
const LATER = 'Try again later; if it persists, tell the operator the request id.';
/** Options of the command line that are fields here. */
const FLAG = new RegExp(
  `--(${[...Object.keys(restoreOptionsSchema.shape), 'format', 'quality'].map(kebabOf).join('|')})\\b`,
  'g',
);

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly fix: string;
  readonly requestId?: string;
}

/** An error that may be gone later. */
export class RetryLater extends ClearwordError {
  /** In seconds. */
  readonly after: number;

  constructor(code: 'QUEUE_FULL' | 'RATE_LIMITED' | 'UNAVAILABLE', message: string, after: number) {
    super(code, message);
    this.after = Math.max(1, Math.ceil(after));
  }
}

/** Whatever was thrown as an error of the catalogue. */
export function asClearwordError(error: unknown): ClearwordError {
  if (error instanceof ClearwordError) return error;
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ClearwordError('IMAGE_TOO_LARGE', 'expected a smaller file for image', { cause: error });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ClearwordError('REQUEST_INVALID', 'expected multipart/form-data for the content type', { cause: error });
  }
  if (statusCode === 503) return new RetryLater('UNAVAILABLE', 'the server is shutting down', 5);
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ClearwordError('REQUEST_INVALID', message, { cause: error });
  }
  return new ClearwordError('INTERNAL', message, { cause: error });
}

/**
 * What a client is told. Of failures on the server's side only what kind it is: their messages hold paths, addresses and other
 * programs' words, and are in the log under the request's id.
 */
export function problemOf(error: ClearwordError, requestId?: string): Problem {
  const { code, status } = error;
  const { meaning } = catalogue[code];
  const own = status < 500 || code === 'TIMED_OUT' || error instanceof RetryLater;
  return {
    type: `urn:clearword:error:${code.toLowerCase().replaceAll('_', '-')}`,
    title: meaning,
    status,
    // The library calls pictures in memory by this name; here there is one, in a field.
    detail: own ? error.message.replaceAll('the given buffer', 'image') : meaning,
    code,
    fix: own ? fixOf(error) : LATER,
    ...(requestId !== undefined && { requestId }),
  };
}

function fixOf({ code, fix }: ClearwordError): string {
  const here = FIX_OVER_HTTP[code];
  if (here !== undefined && fix === catalogue[code].fix) return here;
  const text = fix.replaceAll(FLAG, (_, flag: string) => `\`${camelOf(flag)}\``);
  // What is left speaks to whoever types a command, unless it says that it is the operator who can.
  return /--\w|`clearword/.test(text) && !text.includes('operator') ? LATER : text;
}

function kebabOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function camelOf(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
