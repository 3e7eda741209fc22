/**
 * The photos that are open: which one is shown, how far each is, and what can be done with all of them.
 *
 * @module
 */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Photo } from '../state/page.ts';
import { dispatch, job, photo, photos, results, waiting } from '../state/store.ts';
import { look } from '../work/open.ts';
import { restoreAll } from '../work/restore.ts';
import { clearEverything, removePhoto, saveAll } from '../work/results.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icons.tsx';

const asking = signal(false);

function stateOf({ id }: Photo): string {
  if (job.value?.photoId === id) return 'being restored';
  if (waiting.value.includes(id)) return 'waiting';
  return results.value.some(({ photoId }) => photoId === id) ? 'restored' : '';
}

function Thumbnail({ of }: { readonly of: Photo }) {
  const state = stateOf(of);
  const isOpen = of.id === photo.value?.id;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isOpen) button.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [isOpen]);
  return (
    <li class="thumbnail" data-state={state}>
      <button
        ref={button}
        type="button"
        class="thumbnail-open"
        aria-current={isOpen ? 'true' : undefined}
        aria-label={state === '' ? of.name : `${of.name}, ${state}`}
        onClick={() => {
          dispatch({ type: 'photoShown', id: of.id });
          void look();
        }}
      >
        {of.url === undefined ? <Icon name="image" /> : <img src={of.url} alt="" loading="lazy" />}
        {state !== '' && (
          <span class="thumbnail-state" aria-hidden="true">
            {state === 'restored' ? <Icon name="check" size={14} /> : '…'}
          </span>
        )}
      </button>
      <button
        type="button"
        class="remove"
        aria-label={`Remove the photo ${of.name}`}
        onClick={() => removePhoto(of.id)}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function ClearDialog() {
  if (!asking.value) return null;
  const close = () => {
    asking.value = false;
  };
  return (
    <Dialog title="Clear everything?" onClose={close}>
      <p>
        {count(photos.value.length, 'photo')} and {count(results.value.length, 'result')} are removed from this page and
        from this browser, where they are kept until then. Files on your disk stay.
      </p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Keep them
        </button>
        <button
          type="button"
          class="button primary"
          onClick={() => {
            close();
            clearEverything();
          }}
        >
          Clear
        </button>
      </div>
    </Dialog>
  );
}

export function ClearButton() {
  return (
    <>
      <button
        type="button"
        class="button small quiet"
        title="Photos and results are kept in this browser until you clear them."
        onClick={() => {
          asking.value = true;
        }}
      >
        Clear
      </button>
      <ClearDialog />
    </>
  );
}

export function PhotoStrip() {
  const all = photos.value;
  if (all.length < (photo.value === undefined ? 1 : 2)) return null;
  const restored = new Set(results.value.map(({ photoId }) => photoId));
  const left = all.filter(({ id }) => !restored.has(id)).length;
  return (
    <section class="photo-strip" aria-label="Photos">
      <ul class="thumbnails">
        {all.map((each) => (
          <Thumbnail key={each.id} of={each} />
        ))}
      </ul>
      <div class="strip-actions">
        {all.length > 1 && left > 0 && (
          <button type="button" class="button small" onClick={restoreAll}>
            Restore {left === all.length ? 'all' : `the other ${left}`}
          </button>
        )}
        {restored.size > 1 && (
          <button type="button" class="button small" onClick={() => void saveAll()}>
            <Icon name="download" size={16} />
            <span>All as a zip</span>
          </button>
        )}
        {photo.value === undefined && <ClearButton />}
      </div>
    </section>
  );
}
