import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { patternPicture, temporaryFolder } from '../../test/support/pictures.ts';
import { runCli } from '../../test/support/run-cli.ts';
import { tidyCaption } from './captioner.ts';
import { EndpointCaptioner } from './endpoint.ts';
import { openCaptioner } from './open.ts';

const root = await temporaryFolder();
const photos = join(root, 'photos');

beforeAll(async () => {
  await mkdir(photos);
  for (const width of [20, 30, 900]) {
    const { data, height } = patternPicture(width, 24);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(photos, `${width}.png`));
  }
});

interface Question {
  readonly model: string;
  readonly temperature: number;
  readonly messages: readonly {
    readonly content: readonly {
      readonly type: string;
      readonly text?: string;
      readonly image_url?: { url: string };
    }[];
  }[];
}

/** A service that a test can make misbehave. */
let server: Server;
let url = '';
let questions: { question: Question; authorization: string | undefined }[] = [];
let inFlight = 0;
let mostInFlight = 0;
let answer: (question: Question, response: ServerResponse) => void | Promise<void>;

const say = (response: ServerResponse, content: string | null) =>
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ choices: [{ message: { content } }] }));

/** Width of the picture that was asked about. */
async function widthOf({ messages }: Question): Promise<number> {
  const image = messages[0]?.content.find(({ type }) => type === 'image_url')?.image_url?.url ?? '';
  return (await sharp(Buffer.from(image.replace('data:image/jpeg;base64,', ''), 'base64')).metadata()).width;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const question = JSON.parse(Buffer.concat(parts).toString('utf8')) as Question;
  questions.push({ question, authorization: request.headers.authorization });
  mostInFlight = Math.max(mostInFlight, ++inFlight);
  await answer(question, response);
  inFlight--;
}

beforeEach(async () => {
  questions = [];
  inFlight = 0;
  mostInFlight = 0;
  answer = async (question, response) => {
    say(response, ` "A pattern,\n${await widthOf(question)} pixels\twide." `);
  };
  server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

const image = { jpeg: Uint8Array.of(0xff, 0xd8, 0xff) };
const captioner = (changes: object = {}) => new EndpointCaptioner({ url, model: 'tiny', retryDelay: 1, ...changes });

describe('an endpoint', () => {
  it('is asked in the form of the chat interface, with the key of the environment', async () => {
    answer = (_, response) => void say(response, 'a cat');
    const open = await openCaptioner({ endpoint: url, model: 'tiny', prompt: 'What?' }, { CLEARWORD_CAPTION_KEY: 'k' });
    expect(await open.caption(image)).toBe('a cat');
    const [{ question, authorization } = { question: undefined, authorization: undefined }] = questions;
    expect(authorization).toBe('Bearer k');
    expect(question).toMatchObject({ model: 'tiny', temperature: 0 });
    expect(question?.messages[0]?.content).toEqual([
      { type: 'text', text: 'What?' },
      { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${Buffer.from(image.jpeg).toString('base64')}` } },
    ]);
  });

  it('is asked again when it is busy, breaks off or says nothing', async () => {
    let tries = 0;
    answer = (_, response) => {
      tries++;
      if (tries === 1) response.writeHead(429, { 'retry-after': '0' }).end('busy');
      else if (tries === 2) response.destroy();
      else say(response, tries === 3 ? '  ' : 'a dog');
    };
    expect(await captioner().caption(image)).toBe('a dog');
    expect(tries).toBe(4);
  });

  it.each([
    ['refuses', (response: ServerResponse) => response.writeHead(401).end('no key'), /answered 401: no key/],
    ['has another form', (response: ServerResponse) => response.writeHead(200).end('{"text": 1}'), /chat interface/],
    ['answers no JSON', (response: ServerResponse) => response.writeHead(200).end('<html>'), /not JSON/],
  ])('that %s is not asked again', async (_, reply, message) => {
    answer = (__, response) => void reply(response);
    await expect(captioner().caption(image)).rejects.toMatchObject({
      code: 'CAPTION_FAILED',
      message: expect.stringMatching(message),
    });
    expect(questions).toHaveLength(1);
  });

  it('fails after its tries, and at once when it is cancelled', async () => {
    answer = (_, response) => void response.writeHead(500).end('broken');
    await expect(captioner({ tries: 3 }).caption(image)).rejects.toThrow(/answered 500/);
    expect(questions).toHaveLength(3);
    await expect(captioner().caption(image, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(questions).toHaveLength(3);
  });
});

describe('clearword caption', () => {
  const run = (...args: string[]) => runCli(['caption', photos, '--endpoint', url, '--model', 'tiny', ...args]);

  it('writes a table of all photos, several at a time, each reduced to what a model sees', async () => {
    const table = join(root, 'all', 'captions.tsv');
    const atOnce = answer;
    answer = async (question, response) => {
      // The first answer waits for the second question.
      await vi.waitUntil(() => mostInFlight > 1, { timeout: 10_000 });
      await atOnce(question, response);
    };
    const { code, stdout, stderr } = await run('-o', table, '--concurrency', '3');
    expect(stderr).toBe('3 captioned, 0 present, 0 failed\n');
    expect(code).toBe(0);
    expect(await readFile(table, 'utf8')).toBe(
      [
        'file\tcaption',
        ...['20', '30'].map((w) => `../photos/${w}.png\tA pattern, ${w} pixels wide.`),
        '../photos/900.png\tA pattern, 768 pixels wide.',
        '',
      ].join('\n'),
    );
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(3);
    expect(mostInFlight).toBeGreaterThan(1);
  });

  it('goes on where it stopped, past a line that was cut off', async () => {
    const table = join(root, 'some.tsv');
    await writeFile(table, 'file\tcaption\nphotos/30.png\tmine\nelsewhere/x.png\tkept\nphotos/20.png\tA pat');
    const { code, stderr } = await run('-o', table);
    expect(code).toBe(0);
    expect(stderr).toBe('2 captioned, 1 present, 0 failed\n');
    const lines = (await readFile(table, 'utf8')).trim().split('\n');
    expect(lines).toEqual([
      'file\tcaption',
      'elsewhere/x.png\tkept',
      'photos/20.png\tA pattern, 20 pixels wide.',
      'photos/30.png\tmine',
      'photos/900.png\tA pattern, 768 pixels wide.',
    ]);
  });

  it('reports what fails, keeps the rest, and ends with 1', async () => {
    answer = async (question, response) => {
      if ((await widthOf(question)) === 30) response.writeHead(400).end('no');
      else say(response, 'fine');
    };
    const table = join(root, 'failing.tsv');
    const { code, stderr } = await run('-o', table, '--json');
    expect(code).toBe(1);
    expect(stderr).toContain('CAPTION_FAILED');
    expect(stderr).toContain('2 captioned, 0 present, 1 failed');
    expect((await readFile(table, 'utf8')).trim().split('\n')).toHaveLength(3);
  });

  it('needs the name of the model at a service, and does not overwrite another table', async () => {
    const nameless = await runCli(['caption', photos, '-o', join(root, 'x.tsv'), '--endpoint', url]);
    expect(nameless.code).toBe(2);
    const other = join(root, 'other.tsv');
    await writeFile(other, 'name,age\n');
    expect((await run('-o', other)).stderr).toContain('INPUT_UNREADABLE');
    expect(await readFile(other, 'utf8')).toBe('name,age\n');
  });
});

describe('clearword restore --prompt auto', () => {
  const photo = join(photos, '20.png');

  it('restores by the caption of each photo, and records it', async () => {
    const args = ['--caption-endpoint', url, '--caption-model', 'tiny', '--json'];
    const result = await runCli(['restore', photo, '-o', join(root, 'out.png'), '--prompt', 'auto', ...args]);
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(result.json()[0]).toMatchObject({ provenance: { prompt: 'A pattern, 20 pixels wide.' } });
  });

  it('takes the captioner of the environment, and says when there is none', async () => {
    const restore = () => runCli(['restore', photo, '-o', join(root, 'out.png'), '--prompt', 'auto', '--overwrite']);
    const none = await restore();
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('expected a captioning model for --prompt auto');
    vi.stubEnv('CLEARWORD_CAPTION_ENDPOINT', url);
    vi.stubEnv('CLEARWORD_CAPTION_MODEL', 'tiny');
    vi.stubEnv('CLEARWORD_CAPTION_PROMPT', 'Which place is it?');
    expect((await restore()).code).toBe(0);
    expect(questions.at(-1)?.question.messages[0]?.content[0]?.text).toBe('Which place is it?');
  });
});

it.each([
  [' "A cat." ', 'A cat.'],
  ['Caption: a  dog\n on a\tmat', 'a dog on a mat'],
  ['<think>hm, a cat?</think>A cat', 'A cat'],
  [`${'word '.repeat(100)}`, 'word '.repeat(80).trim()],
])('tidies %j', (answer, caption) => expect(tidyCaption(answer)).toBe(caption));
