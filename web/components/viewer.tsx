/**
 * The photo before and after: with a line between them, side by side, or one in place of the other.
 *
 * @module
 */
import { useMemo, useRef } from 'preact/hooks';
import { rough } from '../rough.ts';
import type { Photo, Restored } from '../state/page.ts';
import { compared, job, photo, shown } from '../state/store.ts';
import { SharedZoom } from '../zoom.ts';
import { Divider } from './divider.tsx';
import { useLostFocus } from './focus.ts';
import { Loupe } from './loupe.tsx';
import { CanvasLayer, Layer, MaskLayer, Pane } from './pane.tsx';
import { ClearButton } from './photo-strip.tsx';
import { holding, loupe, mode, position, uncertain } from './view.ts';
import { ViewerToolbar } from './viewer-toolbar.tsx';

/** Pixels that an arrow key pans. */
const PAN = 60;
const ZOOM = 1.4;
/** Percent of the width that a side has to have for its name to stay. */
const NAMED = 12;

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
  readonly open: Photo;
  readonly before: Side;
  readonly after: Side;
  /** 0..1 of the change. */
  readonly amount: number;
  readonly uncertaintyUrl: string | undefined;
}

const moveTo = (percent: number): void => {
  position.value = Math.min(100, Math.max(0, percent));
};

function SliderView({ zoom, open, before, after, amount, uncertaintyUrl }: PicturesProps) {
  const hidden = holding.value ? 100 : position.value;
  return (
    <Pane zoom={zoom} onPick={moveTo}>
      <Layer zoom={zoom} url={before.url} alt={before.label} />
      <Layer zoom={zoom} url={after.url} alt={after.label} hidden={hidden} opacity={amount} />
      {uncertaintyUrl !== undefined && <MaskLayer zoom={zoom} url={uncertaintyUrl} hidden={hidden} />}
      {hidden > NAMED && <Label text={before.label} />}
      {hidden < 100 - NAMED && <Label text={after.label} end />}
      {!holding.value && <Divider position={position} />}
      {loupe.value && <Loupe zoom={zoom} photo={open} before={before.url} after={after.url} />}
    </Pane>
  );
}

function SideView({ zoom, open, before, after, amount, uncertaintyUrl }: PicturesProps) {
  const glass = loupe.value && <Loupe zoom={zoom} photo={open} before={before.url} after={after.url} />;
  return (
    <>
      <Pane zoom={zoom}>
        <Layer zoom={zoom} url={before.url} alt={before.label} />
        <Label text={before.label} />
        {glass}
      </Pane>
      <Pane zoom={zoom}>
        {(holding.value || amount < 1) && (
          <Layer zoom={zoom} url={before.url} alt={holding.value ? before.label : ''} />
        )}
        {!holding.value && <Layer zoom={zoom} url={after.url} alt={after.label} opacity={amount} />}
        {uncertaintyUrl !== undefined && !holding.value && <MaskLayer zoom={zoom} url={uncertaintyUrl} />}
        <Label text={holding.value ? before.label : after.label} end />
        {glass}
      </Pane>
    </>
  );
}

/** The photo by itself, or as far as its restoration has come. */
function SingleView({ zoom, open }: { readonly zoom: SharedZoom; readonly open: Photo }) {
  const coming = rough.value?.photoId === open.id ? rough.value : undefined;
  return (
    <Pane zoom={zoom}>
      {open.url === undefined ? (
        <p class="no-picture">This browser does not show TIFFs. The result is shown when the server has made it.</p>
      ) : (
        <Layer zoom={zoom} url={open.url} alt={`${open.name}, as it is`} />
      )}
      {coming !== undefined && <CanvasLayer zoom={zoom} canvas={coming.canvas} />}
      {coming !== undefined && <Label text={coming.whole ? 'Being refined' : 'So far'} end />}
    </Pane>
  );
}

function Pictures({ zoom, open, result }: { zoom: SharedZoom; open: Photo; result: Restored | undefined }) {
  const isComing = rough.value?.photoId === open.id;
  if (result === undefined || isComing) return <SingleView zoom={zoom} open={open} />;
  const other = compared.value;
  const after = { url: result.url, label: other ? `Result ${result.number}` : 'After' };
  const beforeUrl = other?.url ?? open.url;
  if (beforeUrl === undefined) {
    return (
      <Pane zoom={zoom}>
        <Layer zoom={zoom} url={after.url} alt={after.label} />
      </Pane>
    );
  }
  const before = { url: beforeUrl, label: other ? `Result ${other.number}` : 'Before' };
  const uncertaintyUrl = uncertain.value ? result.uncertaintyUrl : undefined;
  // Beside another result both are shown as they were made.
  const amount = other === undefined ? result.amount / 100 : 1;
  const View = mode.value === 'side' ? SideView : SliderView;
  return <View zoom={zoom} open={open} before={before} after={after} amount={amount} uncertaintyUrl={uncertaintyUrl} />;
}

export function Viewer() {
  const open = photo.value;
  const heading = useRef<HTMLHeadingElement>(null);
  const [id, width = 0, height = 0] = [open?.id, open?.width, open?.height];
  const zoom = useMemo(() => new SharedZoom({ width, height }), [id, width, height]);
  useLostFocus(heading, id);
  if (open === undefined) return null;
  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom.scaleBy(ZOOM),
    '=': () => zoom.scaleBy(ZOOM),
    '-': () => zoom.scaleBy(1 / ZOOM),
    0: () => zoom.reset(),
    1: () => zoom.actualSize(),
    ArrowLeft: () => zoom.panBy(PAN, 0),
    ArrowRight: () => zoom.panBy(-PAN, 0),
    ArrowUp: () => zoom.panBy(0, PAN),
    ArrowDown: () => zoom.panBy(0, -PAN),
  };
  const isSide = mode.value === 'side' && shown.value !== undefined;
  const size = width === 0 ? '' : ` · ${width} × ${height}`;
  return (
    <div class="viewer">
      <div class="viewer-head">
        <h1 class="photo-facts" tabIndex={-1} ref={heading}>
          {open.name}
          {size}
        </h1>
        <ClearButton />
      </div>
      <section
        class={isSide ? 'stage side' : 'stage'}
        aria-label="Photo, to zoom with plus and minus and to move with the arrow keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what is moved with the arrow keys has to take the focus
        tabIndex={0}
        aria-busy={job.value?.photoId === open.id}
        style={{ '--photo': width === 0 ? '3 / 2' : `${width} / ${height}` }}
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          act();
        }}
      >
        <Pictures zoom={zoom} open={open} result={shown.value} />
        {job.value?.photoId === open.id && (
          <div class="working-bar" aria-hidden="true">
            <span style={{ inlineSize: `${Math.max(4, 100 * job.value.fraction)}%` }} />
          </div>
        )}
      </section>
      <ViewerToolbar zoom={zoom} factor={ZOOM} />
    </div>
  );
}
