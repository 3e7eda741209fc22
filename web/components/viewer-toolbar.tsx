/**
 * What can be done with the picture on the stage.
 *
 * @module
 */
import type { Signal } from '@preact/signals';
import { against, comparable, photo, shown } from '../state.ts';
import type { SharedZoom } from '../zoom.ts';
import { Icon, type IconName } from './icons.tsx';
import type { Mode } from './viewer.tsx';

interface ToggleProps {
  readonly icon: IconName;
  readonly label: string;
  readonly pressed: boolean;
  readonly onToggle: () => void;
}

function Toggle({ icon, label, pressed, onToggle }: ToggleProps) {
  return (
    <button type="button" class="button tool" aria-pressed={pressed} onClick={onToggle}>
      <Icon name={icon} />
      <span class="tool-text">{label}</span>
    </button>
  );
}

/** Shows the photo before for as long as it is held, with a pointer or a key. */
function HoldButton({ holding }: { readonly holding: Signal<boolean> }) {
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
        value={String(against.value)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          against.value = value === 'photo' ? 'photo' : Number(value);
        }}
      >
        <option value="photo">the photo</option>
        {others.map(({ id }) => (
          <option key={id} value={String(id)}>
            result {id}
          </option>
        ))}
      </select>
    </div>
  );
}

interface ToolbarProps {
  readonly zoom: SharedZoom;
  readonly mode: Signal<Mode>;
  readonly uncertain: Signal<boolean>;
  readonly holding: Signal<boolean>;
  readonly factor: number;
}

export function ViewerToolbar({ zoom, mode, uncertain, holding, factor }: ToolbarProps) {
  const result = shown.value;
  const percent = Math.round(100 * zoom.transform.value.k);
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
      </div>
      {result === undefined ? (
        <p class="hint photo-facts">
          {photo.value?.name} · {photo.value?.width} × {photo.value?.height}
        </p>
      ) : (
        <div class="tool-group">
          <AgainstField />
          <HoldButton holding={holding} />
          <Toggle
            icon="columns"
            label="Side by side"
            pressed={mode.value === 'side'}
            onToggle={() => {
              mode.value = mode.value === 'side' ? 'slider' : 'side';
            }}
          />
          {result.uncertaintyUrl !== undefined && (
            <Toggle
              icon="alert"
              label="Uncertainty"
              pressed={uncertain.value}
              onToggle={() => {
                uncertain.value = !uncertain.value;
              }}
            />
          )}
        </div>
      )}
    </div>
  );
}
