/**
 * What there is before there is a photo.
 *
 * @module
 */
import { KNOWN_DEGRADATIONS, listInWords } from '../../src/degradations/index.ts';
import { dispatch, model } from '../state/store.ts';
import { openPhotos } from '../work/open.ts';
import { Icon } from './icons.tsx';
import { PickPhoto } from './pick-photo.tsx';

interface Sample {
  readonly name: string;
  readonly what: string;
  /** The photo, fetched when it is opened. */
  readonly url: string;
  /** What is shown of it here; scripts/make-page-samples.ts makes it. */
  readonly small: string;
}

const SAMPLES: readonly Sample[] = [
  {
    name: 'Rain and noise.jpg',
    what: 'Rain and noise',
    url: new URL('../../examples/photo.jpg', import.meta.url).href,
    small: new URL('../samples/rain-small.webp', import.meta.url).href,
  },
  {
    name: 'Haze.jpg',
    what: 'Haze',
    url: new URL('../samples/haze.jpg', import.meta.url).href,
    small: new URL('../samples/haze-small.webp', import.meta.url).href,
  },
  {
    name: 'Noise.jpg',
    what: 'Noise',
    url: new URL('../samples/noise.jpg', import.meta.url).href,
    small: new URL('../samples/noise-small.webp', import.meta.url).href,
  },
];

async function openSample({ name, url }: Sample): Promise<void> {
  try {
    await openPhotos([{ file: await (await fetch(url)).blob(), name }]);
  } catch {
    const failure = { message: `“${name}” could not be fetched.`, fix: 'Check the connection, then try again.' };
    dispatch({ type: 'set', values: { failure } });
  }
}

export function Welcome() {
  return (
    <div class="welcome">
      <h1>
        Say what should go. <br />
        <em>Keep the photo.</em>
      </h1>
      <p class="lead">
        Clearword removes {listInWords(model.value?.degradations ?? KNOWN_DEGRADATIONS)} from photos: what it finds, or
        just what you name.
      </p>
      <div class="drop-zone">
        <div class="drop-icon">
          <Icon name="image" size={34} />
        </div>
        <PickPhoto label="Choose photos" className="button primary large" />
        <p class="by-hand">
          or drop them anywhere on this page, or paste one with <kbd>Ctrl</kbd>+<kbd>V</kbd>
        </p>
      </div>
      <section aria-labelledby="samples">
        <h2 id="samples">No photo at hand? Try one of these</h2>
        <ul class="samples">
          {SAMPLES.map((sample) => (
            <li key={sample.name}>
              <button type="button" onClick={() => void openSample(sample)}>
                <img src={sample.small} alt="" loading="lazy" width="168" height="112" />
                <span>{sample.what}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
      <p class="promise">
        <Icon name="lock" size={16} /> The model runs in your browser. Your photos are not uploaded.
      </p>
    </div>
  );
}
