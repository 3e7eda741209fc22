/**
 * A window on the photo, and the pictures in it.
 *
 * @module
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { SharedZoom } from '../zoom.ts';

/** Pixels of the screen for one of the photo from which single pixels are shown as squares, not smoothed. */
const SQUARES = 6;

interface FrameProps {
  readonly zoom: SharedZoom;
  /** Percent of the width, from the left, that is hidden. */
  readonly hidden?: number;
  readonly children: (style: { readonly imageRendering: 'pixelated' | 'auto' }) => ComponentChildren;
}

/** Moves with the zoom what lies over the whole photo. */
function Frame({ zoom, hidden = 0, children }: FrameProps) {
  const { k, x, y } = zoom.transform.value;
  const rendering = zoom.scale.value >= SQUARES ? 'pixelated' : 'auto';
  return (
    <div class="layer" style={hidden > 0 ? { clipPath: `inset(0 0 0 ${hidden}%)` } : {}}>
      <div class="moved" style={{ transform: `translate(${x}px, ${y}px) scale(${k})` }}>
        {children({ imageRendering: rendering })}
      </div>
    </div>
  );
}

interface LayerProps {
  readonly zoom: SharedZoom;
  readonly url: string;
  /** Empty where another layer says the same. */
  readonly alt: string;
  readonly hidden?: number;
  /** 0..1: how much of it is laid over what is below. */
  readonly opacity?: number;
}

/** A picture that fills its pane as far as its shape allows; where it is transparent, squares show. */
export function Layer({ zoom, url, alt, hidden = 0, opacity = 1 }: LayerProps) {
  return (
    <Frame zoom={zoom} hidden={hidden}>
      {(style) => <img class="picture" src={url} alt={alt} draggable={false} style={{ ...style, opacity }} />}
    </Frame>
  );
}

/** A mask in one colour: bright where the picture is bright. */
export function MaskLayer({ zoom, url, hidden = 0 }: Pick<LayerProps, 'zoom' | 'url' | 'hidden'>) {
  const mask = `url("${url}")`;
  return (
    <Frame zoom={zoom} hidden={hidden}>
      {() => <div class="picture uncertainty" style={{ maskImage: mask, WebkitMaskImage: mask }} />}
    </Frame>
  );
}

/** A canvas that somebody else draws on. */
export function CanvasLayer({ zoom, canvas, hidden = 0 }: { readonly canvas: HTMLCanvasElement } & FrameOf) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    holder.current?.replaceChildren(canvas);
  }, [canvas]);
  return (
    <Frame zoom={zoom} hidden={hidden}>
      {() => <div ref={holder} class="picture rough" />}
    </Frame>
  );
}
type FrameOf = Pick<FrameProps, 'zoom' | 'hidden'>;

interface PaneProps {
  readonly zoom: SharedZoom;
  /** Called with a click that was no drag: percent of the width. */
  readonly onPick?: (percent: number) => void;
  readonly children: ComponentChildren;
}

/** A window on the photo that takes the gestures of zooming and panning. */
export function Pane({ zoom, onPick, children }: PaneProps) {
  const pane = useRef<HTMLDivElement>(null);
  useEffect(() => (pane.current === null ? undefined : zoom.attach(pane.current)), [zoom]);
  const pointOf = (event: MouseEvent) => {
    const box = pane.current?.getBoundingClientRect() ?? new DOMRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what a pointer does here, keys do on the stage and on the line
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <div
      ref={pane}
      class={zoom.transform.value.k > 1 ? 'pane zoomed' : 'pane'}
      onClick={(event) => {
        const { x, width } = pointOf(event);
        // The second click of two is on its way to a double click.
        if (event.detail === 1) onPick?.((100 * x) / width);
      }}
      onDblClick={(event) => zoom.toggle(pointOf(event))}
    >
      {children}
    </div>
  );
}
