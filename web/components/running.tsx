/**
 * How far the work is: the model's way here, and the restoration under way.
 *
 * @module
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { inWords, secondsLeft } from '../clock.ts';
import type { Job } from '../state/page.ts';
import { job, loading, photo, photos, place } from '../state/store.ts';
import { useLostFocus } from './focus.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function LoadingModel() {
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

/** The time, once a second. */
function useNow(): number {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Pixels from which they are counted on the page; below, the work is done before anyone reads it. */
const COUNTED = 1e6;

function textOf({ photoId, fraction, started, expected }: Job, now: number): string {
  const of = photos.value.find(({ id }) => id === photoId);
  const pixels = (of?.width ?? 0) * (of?.height ?? 0);
  const other = photoId === photo.value?.id ? '' : ` ${of?.name ?? ''}`;
  const percent = Math.round(100 * fraction);
  const left = secondsLeft((now - started) / 1000, fraction, expected);
  return [
    percent === 0 ? `Checking the photo${other}` : `Restoring${other}, ${percent} %`,
    ...(percent > 0 && pixels >= COUNTED
      ? [`${((fraction * pixels) / 1e6).toFixed(1)} of ${(pixels / 1e6).toFixed(1)} megapixels`]
      : []),
    ...(left === undefined ? [] : [`${inWords(left)} left`]),
  ].join(' · ');
}

export function Running() {
  const cancel = useRef<HTMLButtonElement>(null);
  const clock = useNow();
  useLostFocus(cancel);
  const now = job.value;
  if (now === undefined) return null;
  const percent = Math.round(100 * now.fraction);
  return (
    <div class="running">
      <div class="progress">
        <label for="progress">{textOf(now, Math.max(clock, now.started))}</label>
        {percent === 0 ? <progress id="progress" /> : <progress id="progress" max={100} value={percent} />}
      </div>
      <button ref={cancel} type="button" class="button" onClick={now.cancel}>
        Cancel
      </button>
    </div>
  );
}
