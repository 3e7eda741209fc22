/**
 * `clearword tokenize`: what a CLIP model reads of a text.
 *
 * @module
 */
import { z } from 'zod';
import { loadClipTokenizer } from '../models/clip-vocabulary.ts';
import { type CommandContext, defineCommand, EXIT } from './command.ts';
import { jsonOption } from './common-options.ts';

const options = z.strictObject({
  contextLength: z.int().min(2).max(1024).default(77).meta({
    placeholder: 'n',
    description: 'most tokens, with the two marks; a longer text is cut',
  }),
  json: jsonOption,
});

export const tokenize = defineCommand({
  name: 'tokenize',
  argument: { name: 'texts', description: 'texts, each in quotes', variadic: true },
  options,
  details: `For models with CLIP's text encoder: the token ids of each text on a line, between the marks for start (49406) and end (49407).
A prompt beyond 77 tokens is not read to its end; what is left out is shown, too.

Exit codes: 0 done, 2 wrong use.`,
  run,
});

async function run(
  args: readonly string[],
  { contextLength, json }: z.output<typeof options>,
  { stdout, stderr }: CommandContext,
): Promise<number> {
  const tokenizer = await loadClipTokenizer();
  for (const text of args) {
    const ids = tokenizer.encode(text, contextLength);
    const unread = tokenizer.unread(text, contextLength);
    const cut = unread.tokens > 0;
    stdout.write(json ? `${JSON.stringify({ text, ids, ...(cut && { unread }) })}\n` : `${ids.join(' ')}\n`);
    if (cut && !json) stderr.write(`note: ${unread.tokens} tokens are not read: ${unread.text}\n`);
  }
  return EXIT.done;
}
