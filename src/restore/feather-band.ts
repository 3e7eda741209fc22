/**
 * Where overlapping tiles become one picture: the only floats that are kept beyond a tile.
 *
 * @module
 */
import type { AxisPlan, TilePlan } from './tiles.ts';

/** Receives a finished row: for each sample its values [width, channels], 0..1 but not clipped. */
export type RowSink = (y: number, samples: readonly Float32Array[]) => void;

/**
 * A band of rows as high as a tile, into which tiles are added with their weights, row of tiles by row of tiles. A row
 * goes to the sink once no further tile can reach it. Memory: samples x side x width x channels floats.
 */
export class FeatherBand {
  readonly #plan: TilePlan;
  readonly #channels: 1 | 3;
  readonly #bands: readonly Float32Array[];
  readonly #sink: RowSink;
  /** Row of the picture that the band starts with. */
  #top = 0;

  constructor(plan: TilePlan, channels: 1 | 3, samples: number, sink: RowSink) {
    this.#plan = plan;
    this.#channels = channels;
    this.#sink = sink;
    const rows = Math.min(plan.y.side, plan.y.length);
    this.#bands = Array.from({ length: samples }, () => new Float32Array(rows * plan.x.length * channels));
  }

  /** Gives away the rows above tile row `ty`, before its tiles are added. May be called for each of them. */
  moveTo(ty: number): void {
    this.#advance(this.#plan.y.starts[ty] as number);
  }

  /** Gives away all remaining rows. */
  finish(): void {
    this.#advance(this.#plan.y.length);
  }

  /**
   * Adds a restored tile [3, side, side] of a sample. A grey picture takes the mean of the three planes, which are three
   * estimates of one value.
   */
  add(sample: number, tx: number, ty: number, tile: Float32Array): void {
    const { x: columns, y: rows } = this.#plan;
    const band = this.#bands[sample] as Float32Array;
    const [wx, wy] = [weightsOf(columns, tx), weightsOf(rows, ty)];
    const left = columns.starts[tx] as number;
    const top = (rows.starts[ty] as number) - this.#top;
    const plane = columns.side * rows.side;
    const channels = this.#channels;
    for (let y = 0; y < wy.length; y++) {
      for (let x = 0; x < wx.length; x++) {
        const weight = (wx[x] as number) * (wy[y] as number);
        const from = y * columns.side + x;
        const to = ((top + y) * columns.length + left + x) * channels;
        const red = tile[from] as number;
        const green = tile[from + plane] as number;
        const blue = tile[from + 2 * plane] as number;
        if (channels === 1) {
          band[to] = (band[to] as number) + (weight * (red + green + blue)) / 3;
        } else {
          band[to] = (band[to] as number) + weight * red;
          band[to + 1] = (band[to + 1] as number) + weight * green;
          band[to + 2] = (band[to + 2] as number) + weight * blue;
        }
      }
    }
  }

  #advance(top: number): void {
    if (top === this.#top) return;
    const stride = this.#plan.x.length * this.#channels;
    for (let y = this.#top; y < top; y++) {
      const from = (y - this.#top) * stride;
      this.#sink(
        y,
        this.#bands.map((band) => band.subarray(from, from + stride)),
      );
    }
    const finished = (top - this.#top) * stride;
    for (const band of this.#bands) {
      band.copyWithin(0, finished);
      band.fill(0, band.length - finished);
    }
    this.#top = top;
  }
}

function weightsOf(axis: AxisPlan, tile: number): Float32Array {
  return axis.weights[tile] as Float32Array;
}
