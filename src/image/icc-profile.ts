/**
 * ICC profiles for colours that a file describes by numbers instead (ICC.1:2022, matrix profiles of version 4).
 *
 * @module
 */
import { joined, latin1, viewOf } from './file-parts.ts';

/** CIE x and y. */
export type Chromaticity = readonly [x: number, y: number];

export interface Primaries {
  readonly white: Chromaticity;
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
}

/**
 * How encoded values 0..1 become light: a power, or ITU's form with a straight piece near black:
 * (a v + b)^gamma for v >= d, c v below.
 */
export type Curve = { readonly gamma: number } | { readonly gamma: number; readonly abcd: readonly number[] };

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** The white that profiles refer to. */
const D50: Triple = [0.9642, 1, 0.8249];
/** From XYZ to the responses of the eye's cones (Bradford). */
const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

/** The profile of an RGB encoding, or with `grey` of its brightness alone. */
export function matrixProfile(primaries: Primaries, curve: Curve, grey = false): Uint8Array {
  const toD50 = adaptation(xyz(primaries.white));
  const tags: [name: string, body: Uint8Array][] = [
    ['desc', text('Colours as the file states them')],
    ['cprt', text('No copyright, use freely')],
    ['wtpt', xyzTag(D50)],
    ['chad', tag('sf32', toD50.flat().map(fixed))],
  ];
  if (grey) {
    tags.push(['kTRC', curveTag(curve)]);
  } else {
    const colorants = scaled(primaries).map((colorant) => product(toD50, colorant));
    colorants.forEach((colorant, i) => {
      tags.push([`${'rgb'[i]}XYZ`, xyzTag(colorant)], [`${'rgb'[i]}TRC`, curveTag(curve)]);
    });
  }
  return assemble(tags, grey ? 'GRAY' : 'RGB ');
}

/** XYZ of the primaries, scaled so that together they give white. */
function scaled({ white, red, green, blue }: Primaries): Triple[] {
  const columns = [xyz(red), xyz(green), xyz(blue)] as const;
  const matrix: Matrix = [0, 1, 2].map((row) => columns.map((column) => column[row])) as unknown as Matrix;
  const amounts = product(inverse(matrix), xyz(white));
  return columns.map(([x, y, z], i) => {
    const amount = amounts[i] as number;
    return [x * amount, y * amount, z * amount];
  });
}

/** XYZ with Y = 1. */
function xyz([x, y]: Chromaticity): Triple {
  return [x / y, 1, (1 - x - y) / y];
}

function adaptation(white: Triple): Matrix {
  const [from, to] = [product(BRADFORD, white), product(BRADFORD, D50)];
  const gain = BRADFORD.map((row, i) => row.map((value) => (value * to[i as 0]) / from[i as 0])) as unknown as Matrix;
  const back = inverse(BRADFORD);
  const columns = [0, 1, 2].map((j) => product(back, gain.map((row) => row[j]) as unknown as Triple));
  return [0, 1, 2].map((i) => columns.map((column) => column[i])) as unknown as Matrix;
}

function product(matrix: Matrix, vector: Triple): Triple {
  return matrix.map((row) => row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2]) as unknown as Triple;
}

function inverse([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate: Matrix = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return adjugate.map((row) => row.map((value) => value / determinant)) as unknown as Matrix;
}

/** A signed number with 16 bits after the point. */
function fixed(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setInt32(0, Math.round(value * 65536));
  return bytes;
}

function tag(type: string, parts: readonly Uint8Array[]): Uint8Array {
  return joined([latin1(`${type}\0\0\0\0`), ...parts]);
}

const xyzTag = (values: Triple): Uint8Array => tag('XYZ ', values.map(fixed));

/** Function type 0, a power, or 3, with a straight piece. */
function curveTag(curve: Curve): Uint8Array {
  const numbers = 'abcd' in curve ? [curve.gamma, ...curve.abcd] : [curve.gamma];
  return tag('para', [Uint8Array.of(0, 'abcd' in curve ? 3 : 0, 0, 0), ...numbers.map(fixed)]);
}

/** One record in English. */
function text(words: string): Uint8Array {
  const head = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 12, ...latin1('enUS'), 0, 0, 0, 2 * words.length, 0, 0, 0, 28);
  return tag('mluc', [head, Uint8Array.from([...latin1(words)].flatMap((byte) => [0, byte]))]);
}

function assemble(tags: readonly (readonly [name: string, body: Uint8Array])[], space: string): Uint8Array {
  const table = new Uint8Array(4 + 12 * tags.length);
  const header = new Uint8Array(128);
  viewOf(table).setUint32(0, tags.length);
  let offset = header.length + table.length;
  const bodies = tags.map(([name, body], i) => {
    const padded = joined([body, new Uint8Array((4 - (body.length % 4)) % 4)]);
    table.set(latin1(name), 4 + 12 * i);
    viewOf(table).setUint32(8 + 12 * i, offset);
    viewOf(table).setUint32(12 + 12 * i, body.length);
    offset += padded.length;
    return padded;
  });
  const view = viewOf(header);
  view.setUint32(0, offset);
  view.setUint32(8, 0x04400000);
  header.set(latin1(`mntr${space}XYZ `), 12);
  header.set(latin1('acsp'), 36);
  header.set(joined(D50.map(fixed)), 68);
  return joined([header, table, ...bodies]);
}
