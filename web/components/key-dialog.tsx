/**
 * Asks for the key that a server wants.
 *
 * @module
 */
import { useState } from 'preact/hooks';
import { keyQuestion } from '../compute/requests.ts';
import { Dialog } from './dialog.tsx';

export function KeyDialog() {
  const question = keyQuestion.value;
  const [key, setKey] = useState('');
  if (question === undefined) return null;
  const answer = (given: string | undefined) => {
    setKey('');
    question.answer(given);
  };
  return (
    <Dialog title="This server asks for a key" onClose={() => answer(undefined)}>
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '') answer(key.trim());
        }}
      >
        <p>
          {question.again ? 'The server does not know that key. ' : ''}
          Whoever runs this server can give you one. It is kept until this tab is closed.
        </p>
        <label class="label" for="key">
          Key
        </label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => answer(undefined)}>
            Not now
          </button>
          <button type="submit" class="button primary">
            Use this key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
