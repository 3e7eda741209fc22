/**
 * The results of this session.
 *
 * @module
 */
import { type Restored, results, shownId } from '../state.ts';
import { show } from '../work.ts';

/** What was asked for, in short. */
export function summary({ id, request }: Restored): string {
  const words = request.prompt === '' ? 'everything found' : request.prompt;
  const extras = [
    request.samples > 1 ? `${request.samples} samples` : '',
    request.seed > 0 ? `seed ${request.seed}` : '',
  ];
  return [`${id}. ${words}`, ...extras.filter((text) => text !== '')].join(' · ');
}

export function History() {
  if (results.value.length === 0) return null;
  return (
    <nav class="history" aria-label="Results of this session">
      <ul>
        {[...results.value].reverse().map((result) => (
          <li key={result.id}>
            <button
              type="button"
              aria-current={result.id === shownId.value ? 'true' : undefined}
              onClick={() => show(result)}
            >
              <img src={result.url} alt="" loading="lazy" width="72" height="54" />
              <span class="history-text">
                <span>{summary(result)}</span>
                <span class="hint">{result.seconds.toFixed(1)} s</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
