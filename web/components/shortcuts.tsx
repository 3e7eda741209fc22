/**
 * What can be done by keyboard, shown by "?".
 *
 * @module
 */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { job } from '../state/store.ts';
import { Dialog } from './dialog.tsx';

const open = signal(false);

const SHORTCUTS: readonly (readonly [string, readonly string[]])[] = [
  ['In the words: restore', ['Enter']],
  ['Cancel', ['Esc']],
  ['Paste a photo', ['Ctrl', 'V']],
  ['On the photo: zoom in, zoom out', ['+', '−']],
  ['On the photo: all of it, pixel for pixel', ['0', '1']],
  ['On the photo: move it', ['←', '→', '↑', '↓']],
  ['On the line: move it', ['←', '→', 'Page ↑', 'Page ↓', 'Home', 'End']],
  ['On “Hold to compare”: show the photo before', ['Space']],
  ['This list', ['?']],
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null;

export function ShortcutsButton() {
  return (
    <button
      type="button"
      class="button icon-only quiet shortcuts-button"
      aria-label="Keyboard shortcuts"
      onClick={() => {
        open.value = true;
      }}
    >
      <span aria-hidden="true">?</span>
    </button>
  );
}

export function Shortcuts() {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) job.value?.cancel();
      if (event.key === '?' && !isTyping(event.target)) open.value = true;
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  if (!open.value) return null;
  const close = () => {
    open.value = false;
  };
  return (
    <Dialog title="By keyboard" onClose={close}>
      <dl class="shortcuts">
        {SHORTCUTS.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div class="dialog-actions">
        <button type="button" class="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
