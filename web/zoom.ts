/**
 * One zoom and pan for all panes that show the same photo. Gestures (wheel, drag, pinch, double click) are d3-zoom's.
 *
 * @module
 */
import { type Signal, signal } from '@preact/signals';
import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomBehavior, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';

/** Pixels of the screen that a pixel of the photo may cover. */
const LARGEST_PIXEL = 8;
/** Small photos may be enlarged at least this much. */
const LEAST_RANGE = 4;

export class SharedZoom {
  readonly transform: Signal<ZoomTransform> = signal(zoomIdentity);
  readonly #behaviour: ZoomBehavior<HTMLElement, unknown>;
  readonly #panes = new Set<HTMLElement>();
  readonly #photo: { readonly width: number; readonly height: number };

  constructor(photo: { readonly width: number; readonly height: number }) {
    this.#photo = photo;
    this.#behaviour = zoom<HTMLElement, unknown>()
      .filter((event: Event) => this.#wants(event))
      .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => this.#follow(event.transform));
  }

  /** Takes the gestures of a pane, until the returned function is called. */
  attach(pane: HTMLElement): () => void {
    this.#panes.add(pane);
    select(pane).call(this.#behaviour).property('__zoom', this.transform.value);
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

  /** Pixels of the screen. */
  panBy(x: number, y: number): void {
    const { k } = this.transform.value;
    this.#withFirst((pane) => this.#behaviour.translateBy(pane, x / k, y / k));
  }

  reset(): void {
    this.#withFirst((pane) => this.#behaviour.transform(pane, zoomIdentity));
  }

  #withFirst(act: (pane: ReturnType<typeof select<HTMLElement, unknown>>) => void): void {
    const [pane] = this.#panes;
    if (pane !== undefined) act(select<HTMLElement, unknown>(pane));
  }

  #fitTo(pane: HTMLElement): void {
    const { clientWidth: width, clientHeight: height } = pane;
    if (width === 0 || height === 0) return;
    const fitted = Math.min(width / this.#photo.width, height / this.#photo.height);
    const most = Math.max(LEAST_RANGE, LARGEST_PIXEL / fitted);
    this.#behaviour.scaleExtent([1, most]).translateExtent([
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
