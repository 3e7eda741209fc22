import { describe, expect, it } from 'vitest';
import { loadClipTokenizer } from '../../src/models/clip-vocabulary.ts';
import { runCli } from '../support/run-cli.ts';
import { readFixture } from './fixture.ts';

interface Fixture {
  readonly contextLength: number;
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const { contextLength, cases } = readFixture<Fixture>('clip-tokenizer');
const tokenizer = await loadClipTokenizer();

describe('tokens agree with the original tokenizer', () => {
  it.each(cases.map(({ text, ids }) => [text, ids] as const))('%j', (text, ids) => {
    expect(tokenizer.encode(text, contextLength)).toEqual(ids);
  });

  it('pads with zeros', () => {
    const rows = tokenizer.encodeAll(['noisy', 'a photo of a cat'], 8);
    expect([...rows].map(Number)).toEqual([
      49406, 33495, 49407, 0, 0, 0, 0, 0, 49406, 320, 1125, 539, 320, 2368, 49407, 0,
    ]);
  });

  it('keeps one end mark, whatever a text contains', () => {
    const ids = tokenizer.encode('rain <|endoftext|> haze', contextLength);
    expect(ids.filter((id) => id === tokenizer.end)).toEqual([tokenizer.end]);
    expect(ids.at(-1)).toBe(tokenizer.end);
  });

  it('a smaller vocabulary has the same tokens, as far as it goes', async () => {
    const small = await loadClipTokenizer(600);
    const ids = small.encode('the rain', contextLength);
    expect(Math.max(...ids)).toBe(small.end);
    expect(small.end).toBe(599);
    expect(ids.every((id) => id >= 0)).toBe(true);
  });
});

describe('clearword tokenize', () => {
  it('prints the ids of each text', async () => {
    const { code, stdout } = await runCli(['tokenize', 'a photo of a cat', 'noisy']);
    expect(code).toBe(0);
    expect(stdout).toBe('49406 320 1125 539 320 2368 49407\n49406 33495 49407\n');
  });

  it('as JSON, and cut to a length', async () => {
    const result = await runCli(['tokenize', '--json', '--context-length', '4', 'a photo of a cat']);
    const unread = { tokens: 3, text: 'of a cat' };
    expect(result.json()).toEqual([{ text: 'a photo of a cat', ids: [49406, 320, 1125, 49407], unread }]);
  });

  it('shows what is left out of a long text', async () => {
    const text = `${'rain '.repeat(74)}über den Dächern`;
    const { stdout, stderr } = await runCli(['tokenize', text, 'noisy']);
    expect(stdout.split('\n')[0]?.split(' ')).toHaveLength(77);
    // The last token that is read is the first letter.
    expect(stderr).toBe('note: 6 tokens are not read: ber den dächern\n');
  });
});
