/**
 * The results of this session.
 *
 * @module
 */
import { type Restored, results, shownId } from '../state.ts';
import { show } from '../work.ts';

/** What was asked for, in short. */
function details({ request, seconds }: Restored): string {
  const { samples, seed, steps } = request;
  return [
    ...(steps !== undefined ? [`${steps} ${steps === 1 ? 'step' : 'steps'}`] : []),
    ...(samples > 1 ? [`${samples} samples`] : []),
    ...(seed > 0 ? [`seed ${seed}`] : []),
    `${seconds.toFixed(1)} s`,
  ].join(' · ');
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
                <span>
                  {result.id}. {result.request.prompt || 'everything found'}
                </span>
                <span class="hint">{details(result)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
