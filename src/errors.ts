/**
 * The catalogue of every error a user can meet.
 *
 * A code is stable: it is printed on the command line, returned over HTTP and listed in docs/errors.md (a test holds
 * the two together). The message is written where the error is thrown, because only there are the names and values
 * known; it says what was expected, for what, and what came. `fix` says what to do about it.
 *
 * @module
 */

interface CatalogueEntry {
  /** HTTP status that a server answers with. */
  readonly status: number;
  /** What this kind of error means, in one sentence. */
  readonly meaning: string;
  /** What the user can do about it; a throw may give a more specific one. */
  readonly fix: string;
}

export const catalogue = {
  INVALID_OPTION: {
    status: 400,
    meaning: 'An option, argument or configuration value is unknown, missing or out of range.',
    fix: 'Correct the value; `clearword <command> --help` lists the options with their ranges.',
  },
  INPUT_NOT_FOUND: {
    status: 404,
    meaning: 'An input file or folder does not exist, or a pattern matches nothing.',
    fix: 'Check the path.',
  },
  INPUT_UNREADABLE: {
    status: 422,
    meaning: 'An input exists but cannot be read.',
    fix: 'Check the permissions of the file and that it is a regular file.',
  },
  NOT_AN_IMAGE: {
    status: 415,
    meaning: 'An input is not a picture in a supported format, or it is empty.',
    fix: 'Use a JPEG, PNG, WebP, TIFF or AVIF file.',
  },
  IMAGE_DAMAGED: {
    status: 422,
    meaning: 'A picture ends too early or its data is corrupt.',
    fix: 'Get an undamaged copy of the picture.',
  },
  IMAGE_ANIMATED: {
    status: 422,
    meaning: 'A picture has several frames or pages.',
    fix: 'Extract one frame to a file of its own and restore that.',
  },
  IMAGE_TOO_LARGE: {
    status: 413,
    meaning: 'A picture has more pixels or bytes than the limit.',
    fix: 'Reduce the picture, or raise the limit if you trust the file.',
  },
  OUTPUT_EXISTS: {
    status: 409,
    meaning: 'A result would replace an existing file.',
    fix: 'Use --overwrite to replace it, --skip-existing to keep it, or another -o.',
  },
  OUTPUT_UNWRITABLE: {
    status: 500,
    meaning: 'A result cannot be written.',
    fix: 'Check that the folder exists, that it can be written to and that the disk has room.',
  },
  MODEL_NOT_FOUND: {
    status: 404,
    meaning: 'A model file or its card does not exist.',
    fix: 'Check the path given to --model; without it the bundled model is used.',
  },
  MODEL_INVALID: {
    status: 422,
    meaning: 'A model file is damaged, of another kind, or does not fit its card.',
    fix: 'Get an undamaged copy of the model, with the card that belongs to it.',
  },
  DOWNLOAD_FAILED: {
    status: 502,
    meaning: 'A file could not be downloaded, or is not the expected file.',
    fix: 'Check the name and the connection and try again, which goes on where it stopped; or download it and give its path.',
  },
  CAPTION_FAILED: {
    status: 502,
    meaning: 'A captioning model or service gave no caption.',
    fix: 'Check the model and the address, which usually ends in /v1; run the command again, which goes on where it stopped.',
  },
  DEVICE_UNAVAILABLE: {
    status: 503,
    meaning: 'The chosen device cannot be used on this machine.',
    fix: 'Use --device cpu, or run `clearword doctor` to see which devices work.',
  },
  GRAPH_INVALID: {
    status: 500,
    meaning: 'A network was built with tensors whose shapes or types do not fit.',
    fix: 'Correct the layer that the message names.',
  },
  RUNTIME_FAILED: {
    status: 500,
    meaning: 'The inference engine failed while loading or running a network.',
    fix: 'Try --device cpu or a smaller --tile; if it persists, report it with the message.',
  },
  NON_FINITE: {
    status: 500,
    meaning: 'A computation gave a value that is not a finite number.',
    fix: 'Try --device cpu; in training, lower the learning rate and resume from the last checkpoint.',
  },
  CHECKPOINT_INVALID: {
    status: 422,
    meaning: 'A training checkpoint is truncated, damaged, or belongs to another configuration.',
    fix: 'Remove the file or move it away: --resume then goes on from the checkpoint before it in the same folder.',
  },
  DATA_INVALID: {
    status: 422,
    meaning: 'A data set is missing, empty, or not laid out as expected.',
    fix: 'Check the data roots in the configuration.',
  },
  REQUEST_INVALID: {
    status: 400,
    meaning: 'An HTTP request is malformed: its body, its content type or the number of its parts.',
    fix: 'Send multipart/form-data with one file field `image`; /docs on the server describes every request.',
  },
  REQUEST_TOO_SLOW: {
    status: 408,
    meaning: 'The body of an HTTP request comes more slowly than the server waits for.',
    fix: 'Send it again, over a faster connection or with a smaller picture.',
  },
  UNAUTHENTICATED: {
    status: 401,
    meaning: 'A request has no API key, or one that the server does not know.',
    fix: 'Send the header `Authorization: Bearer <key>` with a key from the operator.',
  },
  ORIGIN_REFUSED: {
    status: 403,
    meaning: 'A request comes from a website, or under a name, that the server does not know.',
    fix: "Open the page at the server's own address; the operator can add names with --hosts and websites with --origins.",
  },
  URL_REFUSED: {
    status: 403,
    meaning: 'The server does not fetch pictures from this address.',
    fix: 'Upload the picture in the field `image`.',
  },
  NOT_FOUND: {
    status: 404,
    meaning:
      "An address names nothing: no route, or a restoration that does not exist, is another user's or was forgotten.",
    fix: 'Check the address; finished restorations are kept for as long as the operator chose.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'An address does not know the method of the request.',
    fix: 'Use one of the methods in the header Allow; /docs on the server describes every request.',
  },
  NOT_FINISHED: {
    status: 409,
    meaning: 'The result of a restoration was asked for before it was finished.',
    fix: 'Ask for its status, or follow its events, and fetch the result when it is done.',
  },
  KEY_REUSED: {
    status: 422,
    meaning: 'An Idempotency-Key was sent before, with another picture or other fields.',
    fix: 'Use a new key for a new request; send the same picture and fields to get the first answer again.',
  },
  RANGE_INVALID: {
    status: 416,
    meaning: 'A range of bytes lies outside of the result.',
    fix: 'Ask for bytes that are there; the header Content-Range says how many there are.',
  },
  MODEL_MISMATCH: {
    status: 409,
    meaning: 'A job asks for another model than the worker has, or for the same network with another descriptor.',
    fix: 'Start the workers of one queue with the same model and descriptor; give another model another --queue-name.',
  },
  QUEUE_FULL: {
    status: 429,
    meaning: 'As many restorations are waiting as the server accepts.',
    fix: 'Try again after the seconds in the header Retry-After.',
  },
  RATE_LIMITED: {
    status: 429,
    meaning: 'A client sends more requests than the server allows one client.',
    fix: 'Try again after the seconds in the header Retry-After.',
  },
  URL_UNREACHABLE: {
    status: 502,
    meaning: 'The server could not fetch the picture at the given address.',
    fix: 'Check the address, or upload the picture in the field `image`.',
  },
  STORE_FAILED: {
    status: 502,
    meaning: 'The store that holds inputs and results cannot be used, or lacks something that should be there.',
    fix: 'Check that --store exists, can be written to by every server and worker, and has room.',
  },
  WORKER_CRASHED: {
    status: 500,
    meaning: 'The process that worked on a picture ended before it was done, each time it was tried.',
    fix: 'Try a smaller --tile, or give the machine more memory; if it persists with one picture, report it.',
  },
  UNAVAILABLE: {
    status: 503,
    meaning: 'The server is starting or shutting down, or its queue cannot be reached.',
    fix: 'Try again after the seconds in the header Retry-After.',
  },
  TIMED_OUT: {
    status: 504,
    meaning: 'A restoration took longer than the server allows.',
    fix: 'Ask for fewer steps or samples or send a smaller picture; the operator can raise --timeout.',
  },
  PACKAGE_MISSING: {
    status: 500,
    meaning: 'A command needs packages that are not installed with Clearword, because most users do not need them.',
    fix: 'Install them beside Clearword; the message has the command.',
  },
  CANCELLED: {
    status: 499,
    meaning: 'The work was cancelled before it was done.',
    fix: 'Run it again; finished files are kept.',
  },
  INTERNAL: {
    status: 500,
    meaning: 'Something happened that should be impossible: a mistake in Clearword itself.',
    fix: 'Please report it, with the output of the same command with --debug.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** An error a user can act on: a stable `code`, a message with names and values, and a likely `fix`. */
export class ClearwordError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;

  constructor(code: ErrorCode, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ClearwordError';
    this.code = code;
    this.fix = options.fix ?? catalogue[code].fix;
  }

  /** HTTP status of this kind of error. */
  get status(): number {
    return catalogue[this.code].status;
  }
}

/** Throws CANCELLED if the signal is aborted. `what` names the work for the message. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new ClearwordError('CANCELLED', `${what} was cancelled`, { cause: signal.reason });
}

/** Index of the first value that is no finite number. */
export function firstNotFinite(values: Float32Array): number | undefined {
  // A callback for each value would take ten times as long; pictures and weights have millions.
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return undefined;
}

/** Throws NON_FINITE if one of the values is no finite number. `source` names what gave them for the message. */
export function checkFinite(values: Float32Array, source: string): void {
  const index = firstNotFinite(values);
  if (index === undefined) return;
  const received = `${values[index]} at element ${index} of ${values.length}`;
  throw new ClearwordError('NON_FINITE', `expected finite numbers from ${source}, received ${received}`);
}
