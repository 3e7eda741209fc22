/**
 * A round glass that follows the pointer: before in its left half, after in its right.
 *
 * @module
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Photo } from '../state/page.ts';
import type { SharedZoom } from '../zoom.ts';

/** Pixels of the style sheet across. */
const DIAMETER = 220;
/** Pixels of the style sheet for one of the photo. */
const CLOSE = 2;

interface LoupeProps {
  readonly zoom: SharedZoom;
  readonly photo: Pick<Photo, 'width' | 'height'>;
  readonly before: string;
  readonly after: string;
}

export function Loupe({ zoom, photo, before, after }: LoupeProps) {
  const glass = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<{ readonly x: number; readonly y: number } | undefined>(undefined);
  useEffect(() => {
    const pane = glass.current?.parentElement;
    if (!pane) return undefined;
    const follow = (event: PointerEvent) => {
      const box = pane.getBoundingClientRect();
      setAt({ x: event.clientX - box.left, y: event.clientY - box.top });
    };
    const leave = () => setAt(undefined);
    pane.addEventListener('pointermove', follow);
    pane.addEventListener('pointerleave', leave);
    return () => {
      pane.removeEventListener('pointermove', follow);
      pane.removeEventListener('pointerleave', leave);
    };
  }, []);
  const point = at && zoom.photoPoint(at);
  const scale = Math.max(CLOSE, 2 * (zoom.scale.value / devicePixelRatio));
  const picture = (url: string, side: 'before' | 'after') => (
    <div class={`loupe-half ${side}`}>
      <img
        src={url}
        alt=""
        style={{
          width: `${photo.width * scale}px`,
          height: `${photo.height * scale}px`,
          left: `${(side === 'before' ? DIAMETER / 2 : 0) - (point?.x ?? 0) * scale}px`,
          top: `${DIAMETER / 2 - (point?.y ?? 0) * scale}px`,
        }}
      />
    </div>
  );
  const place = at && { left: `${at.x - DIAMETER / 2}px`, top: `${at.y - DIAMETER / 2}px` };
  return (
    <div ref={glass} class="loupe" aria-hidden="true" hidden={at === undefined} style={place ?? {}}>
      {point !== undefined && picture(before, 'before')}
      {point !== undefined && picture(after, 'after')}
    </div>
  );
}
