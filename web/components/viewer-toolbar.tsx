/**
 * What can be done with the picture on the stage.
 *
 * @module
 */
import type { Signal } from '@preact/signals';
import { THE_PHOTO } from '../state/page.ts';
import { against, comparable, dispatch, shown } from '../state/store.ts';
import type { SharedZoom } from '../zoom.ts';
import { Icon, type IconName } from './icons.tsx';
import { holding, loupe, mode, uncertain } from './view.ts';

interface ToggleProps {
  readonly name: 'loupe' | 'uncertainty';
  readonly icon: IconName;
  readonly label: string;
  readonly of: Signal<boolean>;
}

function Toggle({ name, icon, label, of }: ToggleProps) {
  return (
    <button
      type="button"
      class={`button tool ${name}-tool`}
      aria-pressed={of.value}
      onClick={() => {
        of.value = !of.value;
      }}
    >
      <Icon name={icon} />
      <span class="tool-text">{label}</span>
    </button>
  );
}

/** Shows the photo before for as long as it is held, with a pointer or a key. */
function HoldButton() {
  const hold = () => {
    holding.value = true;
  };
  const release = () => {
    holding.value = false;
  };
  const isPress = (event: KeyboardEvent) => event.key === ' ' || event.key === 'Enter';
  return (
    <button
      type="button"
      class="button tool"
      aria-pressed={holding.value}
      onPointerDown={hold}
      onPointerUp={release}
      onPointerCancel={release}
      onPointerLeave={release}
      onBlur={release}
      onKeyDown={(event) => isPress(event) && hold()}
      onKeyUp={(event) => isPress(event) && release()}
      onContextMenu={(event) => event.preventDefault()}
    >
      <Icon name="eye" />
      <span class="tool-text">Hold to compare</span>
    </button>
  );
}

function AgainstField() {
  const others = comparable.value;
  if (others.length === 0) return null;
  return (
    <div class="against">
      <label for="against">Compare with</label>
      <select
        id="against"
        value={against.value}
        onChange={(event) => dispatch({ type: 'comparedWith', against: event.currentTarget.value })}
      >
        <option value={THE_PHOTO}>the photo</option>
        {others.map(({ id, number }) => (
          <option key={id} value={id}>
            result {number}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What the colour of the uncertainty means. */
function Legend({ scale }: { readonly scale: number }) {
  // Grey 255 of the brightened picture.
  const full = Math.round(255 / Math.max(1, scale));
  return (
    <p class="legend">
      <span class="legend-scale" aria-hidden="true" />
      Pink: the samples differ; full colour by {full} or more of 255.
    </p>
  );
}

interface ToolbarProps {
  readonly zoom: SharedZoom;
  readonly factor: number;
}

export function ViewerToolbar({ zoom, factor }: ToolbarProps) {
  const result = shown.value;
  const percent = Math.round(100 * zoom.scale.value);
  return (
    <div class="toolbar" role="toolbar" aria-label="View">
      <div class="tool-group">
        <button type="button" class="button tool" aria-label="Zoom out" onClick={() => zoom.scaleBy(1 / factor)}>
          <Icon name="minus" />
        </button>
        <span class="zoom-level">
          <span class="visually-hidden">Zoom </span>
          {percent} %
        </span>
        <button type="button" class="button tool" aria-label="Zoom in" onClick={() => zoom.scaleBy(factor)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="button tool" aria-label="Fit the whole photo" onClick={() => zoom.reset()}>
          <Icon name="fit" />
        </button>
        <button
          type="button"
          class="button tool"
          aria-label="1:1, one pixel of the photo on one of the screen"
          onClick={() => zoom.actualSize()}
        >
          1:1
        </button>
      </div>
      {result !== undefined && (
        <div class="tool-group">
          <AgainstField />
          <HoldButton />
          <Toggle name="loupe" icon="loupe" label="Loupe" of={loupe} />
          <button
            type="button"
            class="button tool"
            aria-pressed={mode.value === 'side'}
            onClick={() => {
              mode.value = mode.value === 'side' ? 'slider' : 'side';
            }}
          >
            <Icon name="columns" />
            <span class="tool-text">Side by side</span>
          </button>
          {result.uncertaintyUrl !== undefined && (
            <Toggle name="uncertainty" icon="alert" label="Uncertainty" of={uncertain} />
          )}
        </div>
      )}
      {result?.uncertaintyUrl !== undefined && uncertain.value && <Legend scale={result.result.scale} />}
    </div>
  );
}
