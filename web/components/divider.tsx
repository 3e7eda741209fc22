/**
 * The line between before and after, which is moved with a pointer or the arrow keys.
 *
 * @module
 */
import type { Signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';

const STEP = 2;
const LARGE_STEP = 10;

/** @param position share of the pane's width that shows the photo before, percent */
export function Divider({ position }: { readonly position: Signal<number> }) {
  const handle = useRef<HTMLDivElement>(null);
  const moveTo = (percent: number) => {
    position.value = Math.min(100, Math.max(0, percent));
  };
  const follow = (event: PointerEvent) => {
    const pane = handle.current?.parentElement?.getBoundingClientRect();
    if (pane !== undefined) moveTo((100 * (event.clientX - pane.left)) / pane.width);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => moveTo(position.value - STEP),
    ArrowDown: () => moveTo(position.value - STEP),
    ArrowRight: () => moveTo(position.value + STEP),
    ArrowUp: () => moveTo(position.value + STEP),
    PageDown: () => moveTo(position.value - LARGE_STEP),
    PageUp: () => moveTo(position.value + LARGE_STEP),
    Home: () => moveTo(0),
    End: () => moveTo(100),
  };
  const percent = Math.round(position.value);
  return (
    <div
      ref={handle}
      class="divider"
      role="slider"
      tabIndex={0}
      data-own-gestures
      aria-label="Line between before and after"
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={`${percent} percent before`}
      style={{ insetInlineStart: `${position.value}%` }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.currentTarget.focus();
        follow(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) follow(event);
      }}
      onClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        const act = keys[event.key];
        if (act === undefined) return;
        event.preventDefault();
        // The stage around it pans with the same keys.
        event.stopPropagation();
        act();
      }}
    >
      <span class="divider-grip">
        <Icon name="arrows" size={18} />
      </span>
    </div>
  );
}
