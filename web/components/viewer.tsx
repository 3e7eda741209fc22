/**
 * The photo before and after: with a line between them, side by side, or one in place of the other.
 *
 * @module
 */
import { signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { compared, job, type Photo, photo, type Restored, shown } from '../state.ts';
import { SharedZoom } from '../zoom.ts';
import { Divider } from './divider.tsx';
import { Layer, Pane } from './pane.tsx';
import { ViewerToolbar } from './viewer-toolbar.tsx';

export type Mode = 'slider' | 'side';

const mode = signal<Mode>('slider');
const uncertain = signal(false);
/** While the photo before is shown in place of the result. */
const holding = signal(false);
/** Percent of the width that shows the photo before. */
const position = signal(50);

/** Pixels that an arrow key pans. */
const PAN = 60;
const ZOOM = 1.4;

interface Side {
  readonly url: string;
  readonly label: string;
}

function Label({ text, end = false }: { readonly text: string; readonly end?: boolean }) {
  return (
    <span class={end ? 'pane-label end' : 'pane-label'} aria-hidden="true">
      {text}
    </span>
  );
}

interface PicturesProps {
  readonly zoom: SharedZoom;
  readonly before: Side;
  readonly after: Side;
  readonly uncertaintyUrl: string | undefined;
}

function SliderView({ zoom, before, after, uncertaintyUrl }: PicturesProps) {
  const hidden = holding.value ? 100 : position.value;
  return (
    <Pane zoom={zoom}>
      <Layer zoom={zoom} url={before.url} alt={before.label} />
      <Layer zoom={zoom} url={after.url} alt={after.label} hidden={hidden} />
      {uncertaintyUrl !== undefined && <Layer zoom={zoom} url={uncertaintyUrl} alt="" hidden={hidden} mask />}
      <Label text={before.label} />
      {!holding.value && <Label text={after.label} end />}
      {!holding.value && <Divider position={position} />}
    </Pane>
  );
}

function SideView({ zoom, before, after, uncertaintyUrl }: PicturesProps) {
  const right = holding.value ? before : after;
  return (
    <>
      <Pane zoom={zoom}>
        <Layer zoom={zoom} url={before.url} alt={before.label} />
        <Label text={before.label} />
      </Pane>
      <Pane zoom={zoom}>
        <Layer zoom={zoom} url={right.url} alt={right.label} />
        {uncertaintyUrl !== undefined && !holding.value && <Layer zoom={zoom} url={uncertaintyUrl} alt="" mask />}
        <Label text={right.label} end />
      </Pane>
    </>
  );
}

function Pictures({ zoom, open, result }: { zoom: SharedZoom; open: Photo; result: Restored | undefined }) {
  if (result === undefined) {
    return (
      <Pane zoom={zoom}>
        <Layer zoom={zoom} url={open.url} alt={`${open.name}, as it is`} />
      </Pane>
    );
  }
  const other = compared.value;
  const before = other ? { url: other.url, label: `Result ${other.id}` } : { url: open.url, label: 'Before' };
  const after = { url: result.url, label: other ? `Result ${result.id}` : 'After' };
  const uncertaintyUrl = uncertain.value ? result.uncertaintyUrl : undefined;
  const View = mode.value === 'side' ? SideView : SliderView;
  return <View zoom={zoom} before={before} after={after} uncertaintyUrl={uncertaintyUrl} />;
}

export function Viewer() {
  const open = photo.value;
  const zoom = useMemo(() => (open === undefined ? undefined : new SharedZoom(open)), [open]);
  if (open === undefined || zoom === undefined) return null;
  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom.scaleBy(ZOOM),
    '=': () => zoom.scaleBy(ZOOM),
    '-': () => zoom.scaleBy(1 / ZOOM),
    0: () => zoom.reset(),
    ArrowLeft: () => zoom.panBy(PAN, 0),
    ArrowRight: () => zoom.panBy(-PAN, 0),
    ArrowUp: () => zoom.panBy(0, PAN),
    ArrowDown: () => zoom.panBy(0, -PAN),
  };
  return (
    <div class="viewer">
      <section
        class={mode.value === 'side' && shown.value !== undefined ? 'stage side' : 'stage'}
        aria-label="Photo, to zoom with plus and minus and to move with the arrow keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what is moved with the arrow keys has to take the focus
        tabIndex={0}
        aria-busy={job.value !== undefined}
        style={{ '--photo': `${open.width} / ${open.height}` }}
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          act();
        }}
      >
        <Pictures zoom={zoom} open={open} result={shown.value} />
        {job.value !== undefined && (
          <div class="working-bar" aria-hidden="true">
            <span style={{ inlineSize: `${Math.max(4, 100 * job.value.fraction)}%` }} />
          </div>
        )}
      </section>
      <ViewerToolbar zoom={zoom} mode={mode} uncertain={uncertain} holding={holding} factor={ZOOM} />
    </div>
  );
}
