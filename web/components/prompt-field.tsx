/**
 * @module
 */
import { EXAMPLES } from '../prompt.ts';
import { prompt } from '../state.ts';
import { restore } from '../work.ts';

/** As in the library. */
const LONGEST = 2000;

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
        value={prompt.value}
        onInput={(event) => {
          prompt.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return;
          event.preventDefault();
          void restore();
        }}
      />
      <ul class="examples" aria-label="Examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button
              type="button"
              onClick={() => {
                prompt.value = example;
              }}
            >
              {example}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
