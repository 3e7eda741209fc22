import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearwordError, catalogue, type ErrorCode } from '../errors.ts';
import { ApiKeys } from './api-keys.ts';
import { parseFields, restorationFields } from './fields.ts';
import { asClearwordError, problemOf, RetryLater } from './problem.ts';
import { networkOf, preferenceOf } from './routes/requests.ts';

describe('problems', () => {
  it('tell nothing of failures on the side of the server but what kind they are', () => {
    for (const code of Object.keys(catalogue) as ErrorCode[]) {
      const problem = problemOf(
        new ClearwordError(code, 'about /secret/path', { fix: 'look into /secret/path' }),
        'id',
      );
      const { meaning, status } = catalogue[code];
      expect(problem).toMatchObject({ code, status, title: meaning, requestId: 'id' });
      const ours = status >= 500 && code !== 'TIMED_OUT';
      expect([code, JSON.stringify(problem).includes('secret')]).toEqual([code, !ours]);
    }
  });

  it('speak of fields and headers, not of a command line', () => {
    for (const code of Object.keys(catalogue) as ErrorCode[]) {
      const { fix } = problemOf(new ClearwordError(code, 'x'));
      // What the operator of the server can set may have its name there.
      expect([code, fix.replace(/the operator can .*/, '')]).toEqual([
        code,
        expect.not.stringMatching(/--\w|`clearword/),
      ]);
    }
    const fix = 'Write another format, or use --strip to leave metadata out, --save-states for more.';
    expect(problemOf(new ClearwordError('INVALID_OPTION', 'x', { fix })).fix).toBe(
      'Write another format, or use `strip` to leave metadata out, `saveStates` for more.',
    );
  });

  it('tell why the server itself is not available, and nothing of a queue that is away', () => {
    const own = problemOf(new RetryLater('UNAVAILABLE', 'the server is shutting down', 5));
    expect(own.detail).toBe('the server is shutting down');
    const queue = new ClearwordError('UNAVAILABLE', 'expected a queue at redis://10.0.0.1:6379: Connection is closed.');
    expect(problemOf(queue).detail).toBe(catalogue.UNAVAILABLE.meaning);
  });

  it('are made of anything that is thrown', () => {
    for (const [thrown, code] of [
      [new ClearwordError('NOT_FOUND', 'x'), 'NOT_FOUND'],
      [Object.assign(new Error('x'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }), 'IMAGE_TOO_LARGE'],
      [Object.assign(new Error('x'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }), 'REQUEST_INVALID'],
      [Object.assign(new Error('x'), { statusCode: 400 }), 'REQUEST_INVALID'],
      [Object.assign(new Error('x'), { statusCode: 503 }), 'UNAVAILABLE'],
      [new TypeError('x'), 'INTERNAL'],
      ['x', 'INTERNAL'],
      [undefined, 'INTERNAL'],
      [null, 'INTERNAL'],
    ] as const) {
      expect(asClearwordError(thrown).code).toBe(code);
    }
  });
});

describe('fields', () => {
  const schema = restorationFields({ maxSteps: 10, maxSamples: 4, maxTile: 512 });
  const parse = (fields: Record<string, string>) => parseFields(schema, new Map(Object.entries(fields)));

  it('become what the schema says', () => {
    expect(parse({})).toMatchObject({
      prompt: '',
      seed: 0,
      samples: 1,
      compare: false,
      saveStates: false,
      strip: false,
    });
    expect(
      parse({ prompt: '5', steps: '5', strip: 'true', compare: 'false', quality: '90', format: 'jpeg' }),
    ).toMatchObject({
      prompt: '5',
      steps: 5,
      strip: true,
      compare: false,
      quality: 90,
      format: 'jpeg',
    });
  });

  it('are refused by name, whatever they are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string(), { maxKeys: 5 }), (fields) => {
        try {
          const parsed: Record<string, unknown> = parse(fields);
          for (const name of Object.keys(fields)) expect(parsed).toHaveProperty([name]);
        } catch (error) {
          expect(error).toBeInstanceOf(ClearwordError);
          expect((error as ClearwordError).code).toBe('INVALID_OPTION');
        }
      }),
    );
    expect(() => parse({ steps: '5000' })).toThrow(/^expected at most 10 for steps, received 5000$/);
    expect(() => parse({ steps: '5000', samples: '99' })).toThrow(/^[^;]+for steps, [^;]+; [^;]+for samples, [^;]+$/);
    for (const fields of [{ steps: '11' }, { samples: '5' }, { tile: '513' }, { overlap: '257' }, { quality: '0' }]) {
      expect(() => parse(fields as unknown as Record<string, string>)).toThrow(/^expected at (most|least)/);
    }
  });
});

describe('API keys', () => {
  const keys = ApiKeys.parse('# ours\nalice:0123456789abcdef\r\n\nbob:fedcba9876543210\n');

  it('are told apart', () => {
    expect(keys.ownerOf('Bearer 0123456789abcdef')).toBe('alice');
    expect(keys.ownerOf('bearer fedcba9876543210')).toBe('bob');
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer 0123456789abcde',
      'Basic 0123456789abcdef',
      'bob',
    ]) {
      expect(() => keys.ownerOf(header)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
    }
  });

  it('are refused without showing them', () => {
    for (const text of [
      '',
      '#x',
      'alice:short',
      'alice',
      ':0123456789abcdef',
      'a b:0123456789abcdef',
      'a:0123456789abcdef\na:fedcba9876543210',
    ]) {
      const attempt = () => ApiKeys.parse(text);
      expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
      expect(attempt).not.toThrow(/0123456789abcdef|fedcba9876543210/);
    }
  });
});

describe('the header Prefer', () => {
  it('is understood as far as it matters', () => {
    for (const [header, preference] of [
      [undefined, { async: false }],
      ['respond-async', { async: true }],
      ['Respond-Async; foo=bar, wait=10', { async: true, wait: 10 }],
      ['wait=5', { async: false, wait: 5 }],
      ['wait="7"', { async: false, wait: 7 }],
      ['wait=soon, return=minimal', { async: false }],
      [['wait=1', 'respond-async'], { async: true, wait: 1 }],
    ] as const) {
      expect(preferenceOf(header as string | string[] | undefined)).toEqual(preference);
    }
  });
});

describe('clients without a key', () => {
  it('are told apart by address, or by the network that one household has', () => {
    for (const [address, network] of [
      ['203.0.113.7', '203.0.113.7'],
      ['::ffff:203.0.113.7', '203.0.113.7'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
      ['2001:db8:1:2::6', '2001:db8:1:2'],
      ['2001:db8::6', '2001:db8:0:0'],
      ['fe80::1%eth0', 'fe80:0:0:0'],
      ['::1', '0:0:0:0'],
    ] as const) {
      expect([address, networkOf(address)]).toEqual([address, network]);
    }
  });
});
