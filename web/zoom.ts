/**
 * One zoom and pan for all panes that show the same photo. Gestures (wheel, drag, pinch) are d3-zoom's.
 *
 * @module
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomBehavior, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';
import type { Area } from '../src/browser.ts';

/** Pixels of the screen that a pixel of the photo may cover. */
const LARGEST_PIXEL = 8;
/** Small photos may be enlarged at least this much. */
const LEAST_RANGE = 4;
/** Enlargement from which the photo does not fit any more. */
const BEYOND = 1.05;
/** A double click enlarges at least so much. */
const LEAST_CLOSER = 2;

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The zoom of the photo that is looked at. */
let current: SharedZoom | undefined;

/** The part of the open photo that is in view, in its pixels; undefined where all of it is. */
export const areaInView = (): Area | undefined => current?.area();

export class SharedZoom {
  /** From the pane, in which the photo fits, to what is shown of it. */
  readonly transform: Signal<ZoomTransform> = signal(zoomIdentity);
  /** Pixels of the screen for one of the photo, where all of it fits. */
  readonly #fitted = signal(1);
  /** Pixels of the screen for one of the photo; 1 shows every pixel as one. */
  readonly scale: ReadonlySignal<number> = computed(() => this.#fitted.value * this.transform.value.k);
  readonly #behaviour: ZoomBehavior<HTMLElement, unknown>;
  readonly #panes = new Set<HTMLElement>();
  readonly #photo: Size;

  constructor(photo: Size) {
    this.#photo = { width: Math.max(1, photo.width), height: Math.max(1, photo.height) };
    this.#behaviour = zoom<HTMLElement, unknown>()
      .filter((event: Event) => this.#wants(event))
      .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => this.#follow(event.transform));
  }

  /** Takes the gestures of a pane, until the returned function is called. */
  attach(pane: HTMLElement): () => void {
    current = this;
    this.#panes.add(pane);
    select(pane).call(this.#behaviour).on('dblclick.zoom', null).property('__zoom', this.transform.value);
    const resized = new ResizeObserver(() => this.#fitTo(pane));
    resized.observe(pane);
    return () => {
      resized.disconnect();
      select(pane).on('.zoom', null);
      this.#panes.delete(pane);
    };
  }

  scaleBy(factor: number): void {
    this.#withFirst((pane) => this.#behaviour.scaleBy(pane, factor));
  }

  /** One pixel of the photo on one of the screen, about a point of the pane or its middle. */
  actualSize(point?: Point): void {
    this.#scaleTo(1 / this.#fitted.value, point);
  }

  /** Closer to a point of the pane, or back to the whole photo. */
  toggle(point: Point): void {
    if (this.transform.value.k > BEYOND) this.reset();
    else this.#scaleTo(Math.max(LEAST_CLOSER, 1 / this.#fitted.value), point);
  }

  /** Pixels of the screen, as the style sheet counts them. */
  panBy(x: number, y: number): void {
    const { k } = this.transform.value;
    this.#withFirst((pane) => this.#behaviour.translateBy(pane, x / k, y / k));
  }

  reset(): void {
    this.#withFirst((pane) => this.#behaviour.transform(pane, zoomIdentity));
  }

  /** The pixel of the photo that is seen at a point of the pane; may lie outside of it. */
  photoPoint(point: Point): Point {
    const [pane] = this.#panes;
    if (pane === undefined) return { x: 0, y: 0 };
    const { clientWidth, clientHeight } = pane;
    const { width, height } = this.#photo;
    const fitted = Math.min(clientWidth / width, clientHeight / height);
    const [x, y] = this.transform.value.invert([point.x, point.y]);
    return {
      x: (x - (clientWidth - width * fitted) / 2) / fitted,
      y: (y - (clientHeight - height * fitted) / 2) / fitted,
    };
  }

  area(): Area | undefined {
    const [pane] = this.#panes;
    if (pane === undefined || this.transform.value.k <= BEYOND) return undefined;
    const { width, height } = this.#photo;
    const from = this.photoPoint({ x: 0, y: 0 });
    const to = this.photoPoint({ x: pane.clientWidth, y: pane.clientHeight });
    const [left, top] = [Math.max(0, Math.floor(from.x)), Math.max(0, Math.floor(from.y))];
    const [right, bottom] = [Math.min(width, Math.ceil(to.x)), Math.min(height, Math.ceil(to.y))];
    return { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  }

  #scaleTo(k: number, point: Point | undefined): void {
    const at = point && ([point.x, point.y] as [number, number]);
    this.#withFirst((pane) => this.#behaviour.scaleTo(pane, k, at));
  }

  #withFirst(act: (pane: ReturnType<typeof select<HTMLElement, unknown>>) => void): void {
    const [pane] = this.#panes;
    if (pane !== undefined) act(select<HTMLElement, unknown>(pane));
  }

  #fitTo(pane: HTMLElement): void {
    const { clientWidth: width, clientHeight: height } = pane;
    if (width === 0 || height === 0) return;
    const fitted = devicePixelRatio * Math.min(width / this.#photo.width, height / this.#photo.height);
    this.#fitted.value = fitted;
    const most = Math.max(LEAST_RANGE, LARGEST_PIXEL / fitted);
    // A photo with fewer pixels than the screen can be shown in its own size.
    const least = Math.min(1, 1 / fitted);
    this.#behaviour.scaleExtent([least, most]).translateExtent([
      [0, 0],
      [width, height],
    ]);
    // Within the new limits.
    this.#withFirst((first) => this.#behaviour.translateBy(first, 0, 0));
  }

  #follow(transform: ZoomTransform): void {
    this.transform.value = transform;
    // Where d3-zoom keeps a pane's state.
    for (const pane of this.#panes) select(pane).property('__zoom', transform);
  }

  #wants(event: Event): boolean {
    if (event.target instanceof Element && event.target.closest('[data-own-gestures]') !== null) return false;
    // One finger on a photo that fits scrolls the page.
    if (event.type === 'touchstart' && 'touches' in event) {
      return (event as TouchEvent).touches.length > 1 || this.transform.value.k > 1;
    }
    const { ctrlKey, button } = event as MouseEvent;
    return (!ctrlKey || event.type === 'wheel') && !button;
  }
}
