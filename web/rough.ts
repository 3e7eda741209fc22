/**
 * What can be seen of a restoration that goes on: a smaller picture first, then tile after tile.
 *
 * @module
 */
import { signal } from '@preact/signals';
import type { PartialPicture } from '../src/browser.ts';
import type { Photo } from './state/page.ts';

/** Pixels of the canvas at most: larger photos are shown smaller until they are done. */
const MOST_PIXELS = 8e6;

export interface Rough {
  readonly photoId: string;
  readonly canvas: HTMLCanvasElement;
  /** Whether there is a whole picture, small as it may be. */
  readonly whole: boolean;
}

/** Present as soon as there is something to be seen. */
export const rough = signal<Rough | undefined>(undefined);

function toImage({ width, height, channels, data }: PartialPicture['picture']): ImageData {
  const image = new ImageData(width, height);
  const green = channels === 1 ? 0 : 1;
  for (let i = 0; i < width * height; i++) {
    const from = i * channels;
    image.data[4 * i] = data[from] as number;
    image.data[4 * i + 1] = data[from + green] as number;
    image.data[4 * i + 2] = data[from + 2 * green] as number;
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Draws parts of a photo as they come. */
export class RoughDrawing {
  readonly #photo: Photo;
  readonly #scale: number;
  readonly #canvas = document.createElement('canvas');
  /** Parts are drawn one after the other, although each is made ready in its own time. */
  #drawing: Promise<void> = Promise.resolve();

  constructor(photo: Photo) {
    this.#photo = photo;
    this.#scale = Math.min(1, Math.sqrt(MOST_PIXELS / (photo.width * photo.height)));
    this.#canvas.width = Math.round(this.#scale * photo.width);
    this.#canvas.height = Math.round(this.#scale * photo.height);
  }

  readonly add = ({ area, picture, stage }: PartialPicture): void => {
    this.#drawing = this.#drawing.then(async () => {
      const bitmap = await createImageBitmap(toImage(picture));
      const [x, y, width, height] = [area.x, area.y, area.width, area.height].map((value) => value * this.#scale);
      this.#canvas.getContext('2d')?.drawImage(bitmap, x as number, y as number, width as number, height as number);
      bitmap.close();
      const whole = stage === 'preview' || rough.value?.whole === true;
      rough.value = { photoId: this.#photo.id, canvas: this.#canvas, whole };
    });
  };

  end(): void {
    void this.#drawing.then(() => {
      if (rough.value?.canvas === this.#canvas) rough.value = undefined;
    });
  }
}
