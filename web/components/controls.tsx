/**
 * Everything that is asked of a restoration, and its start.
 *
 * @module
 */
import { job, loading, place, shown } from '../state.ts';
import { restore } from '../work.ts';
import { Chips } from './chips.tsx';
import { Icon } from './icons.tsx';
import { MoreOptions } from './more-options.tsx';
import { PromptField } from './prompt-field.tsx';
import { SaveResult } from './save-result.tsx';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function LoadingModel() {
  const now = loading.value;
  if (now === undefined || place.value === 'server') return null;
  const text =
    now.stage === 'start'
      ? 'Starting the model'
      : now.total === undefined
        ? `Downloading the model, ${megabytes(now.loaded)}`
        : `Downloading the model, ${megabytes(now.loaded)} of ${megabytes(now.total)}, once`;
  return (
    <div class="progress">
      <label for="loading">{text}</label>
      {now.total === undefined || now.stage === 'start' ? (
        <progress id="loading" />
      ) : (
        <progress id="loading" max={now.total} value={now.loaded} />
      )}
    </div>
  );
}

function Running() {
  const now = job.value;
  if (now === undefined) return null;
  const percent = Math.round(100 * now.fraction);
  return (
    <div class="running">
      <div class="progress">
        <label for="progress">{percent === 0 ? 'Looking at the photo' : `Restoring, ${percent} %`}</label>
        {percent === 0 ? <progress id="progress" /> : <progress id="progress" max={100} value={percent} />}
      </div>
      <button type="button" class="button" onClick={now.cancel}>
        Cancel
      </button>
    </div>
  );
}

export function Controls() {
  return (
    <form
      class="controls"
      aria-label="Restoration"
      onSubmit={(event) => {
        event.preventDefault();
        void restore();
      }}
    >
      <Chips />
      <PromptField />
      <MoreOptions />
      <LoadingModel />
      <div class="actions">
        {job.value === undefined ? (
          <button type="submit" class="button primary large">
            <Icon name="sparkle" />
            <span>{shown.value === undefined ? 'Restore' : 'Restore again'}</span>
          </button>
        ) : (
          <Running />
        )}
      </div>
      {shown.value !== undefined && <SaveResult />}
    </form>
  );
}
