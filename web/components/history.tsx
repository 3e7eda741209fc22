/**
 * The results, the newest first.
 *
 * @module
 */
import { useEffect, useRef } from 'preact/hooks';
import type { Restored } from '../state/page.ts';
import { dispatch, page, photoOf, photos, results } from '../state/store.ts';
import { look } from '../work/open.ts';
import { removeResult } from '../work/results.ts';
import { Icon } from './icons.tsx';

/** What was asked for, in short. */
function details({ request, seconds, result }: Restored): string {
  const { samples, seed, steps } = request;
  return [
    ...(result.outcome.status === 'unchanged' ? ['unchanged'] : []),
    ...(steps !== undefined ? [`${steps} ${steps === 1 ? 'step' : 'steps'}`] : []),
    ...(samples > 1 ? [`${samples} samples`] : []),
    ...(seed > 0 ? [`seed ${seed}`] : []),
    `${seconds.toFixed(1)} s`,
  ].join(' · ');
}

function Item({ result }: { readonly result: Restored }) {
  const { shownId } = page.value;
  const words = result.request.network ?? (result.request.prompt || 'everything found');
  const of = photos.value.length > 1 ? `${photoOf(result)?.name ?? ''}: ` : '';
  return (
    <li>
      <button
        type="button"
        class="history-open"
        aria-current={result.id === shownId ? 'true' : undefined}
        onClick={() => {
          dispatch({ type: 'resultShown', id: result.id });
          void look();
        }}
      >
        <img src={result.url} alt="" loading="lazy" width="72" height="54" />
        <span class="history-text">
          <span>
            {result.number}. {of}
            {words}
          </span>
          <span class="hint">{details(result)}</span>
        </span>
      </button>
      <button
        type="button"
        class="remove"
        aria-label={`Remove result ${result.number}`}
        onClick={() => removeResult(result.id)}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}

export function History() {
  const list = useRef<HTMLUListElement>(null);
  const newest = results.value.at(-1)?.id;
  useEffect(() => {
    if (list.current !== null) list.current.scrollLeft = 0;
  }, [newest]);
  if (results.value.length === 0) return null;
  return (
    <nav class="history" aria-label="Results">
      <ul ref={list}>
        {[...results.value].reverse().map((result) => (
          <Item key={result.id} result={result} />
        ))}
      </ul>
    </nav>
  );
}
