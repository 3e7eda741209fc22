/**
 * A server on a free port of this machine, with a stand-in for the model unless it is given one.
 *
 * @module
 */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect } from 'vitest';
import { catalogue, type ErrorCode } from '../../src/errors.ts';
import { createLog } from '../../src/server/log.ts';
import { type RunningServer, startServer } from '../../src/server/serve.ts';
import { type ServerSettings, serverSettingsSchema } from '../../src/server/settings.ts';
import { loaderModule } from './loaders.ts';

export interface TestServer extends RunningServer {
  /** The log, a line each. */
  readonly lines: Record<string, unknown>[];
}

const loader = loaderModule('fake-loader');

export async function testServer(
  store: string,
  settings: Partial<ServerSettings> = {},
  onClose: (close: () => Promise<void>) => void = afterAll,
  inference: { readonly loader: string } | { readonly model: string; readonly descriptor?: string } = { loader },
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const server = await startServer({
    settings: serverSettingsSchema.parse({ port: 0, store, grace: 5, ratePerMinute: 10_000, ...settings }),
    inference: { device: 'cpu', ...inference },
    log,
  });
  onClose(() => server.close());
  return { ...server, lines };
}

/** Starts servers that end with the test that started them, each with a store of its own unless told otherwise. */
export function shortLived(folder: string) {
  let count = 0;
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  return (settings: Partial<ServerSettings>, store = join(folder, `store-${count++}`)) =>
    testServer(store, settings, (close) => void closing.push(close));
}

export type Fields = Readonly<Record<string, string | Uint8Array>>;

/** A form; bytes are files. */
export function formOf(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([Uint8Array.from(value)]), 'photo');
  }
  return form;
}

export interface ServerEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

/** The events of a stream until it ends. */
export async function eventsOf(response: Response): Promise<ServerEvent[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => {
      const lines = block.split('\n').map((line) => line.split(/: (.*)/s));
      const { event = '', id, data = '' } = Object.fromEntries(lines) as Record<string, string>;
      return { event, data: JSON.parse(data) as Record<string, unknown>, ...(id !== undefined && { id }) };
    });
}

interface Expected {
  readonly code: ErrorCode;
  readonly detail: RegExp;
}

/** Expects an answer to have the form of every error, and nothing of the server's own places. */
export async function expectProblem(response: Response, { code, detail }: Expected): Promise<void> {
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toEqual({
    type: `urn:clearword:error:${code.toLowerCase().replaceAll('_', '-')}`,
    title: catalogue[code].meaning,
    status: catalogue[code].status,
    detail: expect.stringMatching(detail),
    code,
    fix: expect.stringMatching(/./),
    requestId: response.headers.get('x-request-id'),
  });
  expect(JSON.stringify(problem)).not.toContain(tmpdir());
  expect(response.status).toBe(catalogue[code].status);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
}
