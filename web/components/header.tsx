/**
 * @module
 */
import { signal } from '@preact/signals';
import { model, photo, place } from '../state.ts';
import { Icon } from './icons.tsx';
import { PickPhoto } from './pick-photo.tsx';

const ICON = new URL('../icon.svg', import.meta.url).href;

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
  const by = device === undefined ? '' : device === 'webgpu' ? ' · graphics card' : ' · processor';
  return `Photos stay on this device${by}`;
}

export function Header() {
  const dark = theme.value === 'dark';
  return (
    <header class="header">
      <a class="brand" href="./">
        <img src={ICON} alt="" width="30" height="30" />
        <span>Clearword</span>
      </a>
      <p class="where" data-place={place.value}>
        <Icon name="lock" size={16} />
        <span>{whereText()}</span>
      </p>
      {photo.value !== undefined && <PickPhoto label="New photo" className="button quiet" />}
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
