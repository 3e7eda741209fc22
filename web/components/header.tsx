/**
 * The page's name, where photos are, and what is always at hand.
 *
 * @module
 */
import { signal } from '@preact/signals';
import { dispatch, model, photo, place } from '../state/store.ts';
import { Icon } from './icons.tsx';
import { PickPhoto } from './pick-photo.tsx';
import { ShortcutsButton } from './shortcuts.tsx';

type Theme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');
/** What was chosen here before; else the system's choice holds, also when it changes. */
const theme = signal<Theme>(localStorageTheme() ?? (system.matches ? 'dark' : 'light'));

function localStorageTheme(): Theme | undefined {
  // Some private windows refuse storage by throwing.
  try {
    const kept = localStorage.getItem('theme');
    return kept === 'light' || kept === 'dark' ? kept : undefined;
  } catch {
    return undefined;
  }
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem('theme', chosen);
  } catch {
    // The choice then lasts as long as the page.
  }
}

const kept = localStorageTheme();
if (kept !== undefined) apply(kept);
system.addEventListener('change', ({ matches }) => {
  if (localStorageTheme() === undefined) theme.value = matches ? 'dark' : 'light';
});

function whereText(): string {
  if (place.value === 'server') return 'Photos are sent to this server';
  const device = model.value?.device;
  const alone = model.value?.threads === 1 ? ', in one thread' : '';
  const by = device === undefined ? '' : device === 'webgpu' ? ' · on the graphics card' : ` · on the CPU${alone}`;
  return `Photos stay on this device${by}`;
}

export function Header() {
  const dark = theme.value === 'dark';
  return (
    <header class="header">
      <a
        class="brand"
        href="./"
        onClick={(event) => {
          // Nothing is lost on the way to the welcome.
          event.preventDefault();
          dispatch({ type: 'photoShown', id: undefined });
        }}
      >
        <img src="./icon.svg" alt="" width="30" height="30" />
        <span>Clearword</span>
      </a>
      <p class="where" data-place={place.value}>
        <Icon name="lock" size={16} />
        <span>{whereText()}</span>
      </p>
      {photo.value !== undefined && <PickPhoto label="Add photos" className="button quiet" />}
      <ShortcutsButton />
      <button
        type="button"
        class="button icon-only quiet"
        aria-label={dark ? 'Use light colours' : 'Use dark colours'}
        onClick={() => apply(dark ? 'light' : 'dark')}
      >
        <Icon name={dark ? 'sun' : 'moon'} />
      </button>
    </header>
  );
}
