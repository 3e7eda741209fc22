/**
 * @module
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { SharedZoom } from '../zoom.ts';

/** Scale from which single pixels are shown as squares, not smoothed. */
const SQUARES = 6;

interface LayerProps {
  readonly zoom: SharedZoom;
  readonly url: string;
  /** Empty where another layer says the same. */
  readonly alt: string;
  /** Percent of the width, from the left, that is hidden. */
  readonly hidden?: number;
  /** Shown as a coloured mask: bright where the picture is bright. */
  readonly mask?: boolean;
}

/** A picture that fills its pane and moves with the zoom. */
export function Layer({ zoom, url, alt, hidden = 0, mask = false }: LayerProps) {
  const { k, x, y } = zoom.transform.value;
  const style = { transform: `translate(${x}px, ${y}px) scale(${k})` };
  const rendering = k >= SQUARES ? 'pixelated' : 'auto';
  return (
    <div class="layer" style={hidden > 0 ? { clipPath: `inset(0 0 0 ${hidden}%)` } : {}}>
      {mask ? (
        <div class="uncertainty" style={{ ...style, maskImage: `url("${url}")`, WebkitMaskImage: `url("${url}")` }} />
      ) : (
        <img src={url} alt={alt} draggable={false} style={{ ...style, imageRendering: rendering }} />
      )}
    </div>
  );
}

interface PaneProps {
  readonly zoom: SharedZoom;
  readonly children: ComponentChildren;
}

/** A window on the photo that takes the gestures of zooming and panning. */
export function Pane({ zoom, children }: PaneProps) {
  const pane = useRef<HTMLDivElement>(null);
  useEffect(() => (pane.current === null ? undefined : zoom.attach(pane.current)), [zoom]);
  return (
    <div ref={pane} class={zoom.transform.value.k > 1 ? 'pane zoomed' : 'pane'}>
      {children}
    </div>
  );
}
