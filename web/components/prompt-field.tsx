/**
 * What is asked for in words, and how they were read.
 *
 * @module
 */
import { EXAMPLES } from '../intent.ts';
import { intent, photo } from '../state/store.ts';
import { restore } from '../work/restore.ts';
import { setPrompt } from '../work/results.ts';

/** As in the library. */
const LONGEST = 2000;

function Reading() {
  const now = intent.value;
  const words = photo.value?.prompt.trim() ?? '';
  const show = now !== undefined && words !== '' && now.known.length > 0;
  return (
    <p id="reading" class={show && !now.understood ? 'reading unsure' : 'reading'}>
      {show && now.reading}
    </p>
  );
}

export function PromptField() {
  return (
    <div class="field">
      <label class="label" for="prompt">
        In your words
      </label>
      <textarea
        id="prompt"
        rows={2}
        maxLength={LONGEST}
        placeholder="Remove everything that was found"
        aria-describedby="reading"
        value={photo.value?.prompt ?? ''}
        onInput={(event) => setPrompt(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return;
          event.preventDefault();
          restore();
        }}
      />
      <Reading />
      <ul class="examples" aria-label="Examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" onClick={() => setPrompt(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
