/**
 * How much larger operators make what they are given, where their rule does not know the shape.
 *
 * @module
 */
import type { Call } from './call.ts';
import { elementsOf, type Sides } from './constants.ts';

/** Operators that make a value as large as an input says, and which of their inputs do. */
const SIZED_BY: ReadonlyMap<string, readonly number[]> = new Map([
  ['ConstantOfShape', [0]],
  ['Expand', [1]],
  ['Tile', [1]],
  ['Range', [0, 1, 2]],
  ['Pad', [1]],
  ['Resize', [2, 3]],
  ['Upsample', [1]],
  ['OneHot', [1]],
  ['MaxUnpool', [2]],
  ['AffineGrid', [1]],
  ['CenterCropPad', [1]],
  ['Col2Im', [1]],
  ['CropAndResize', [3]],
  ['DFT', [1]],
  ['STFT', [3]],
  ['HannWindow', [0]],
  ['HammingWindow', [0]],
  ['BlackmanWindow', [0]],
  ['MelWeightMatrix', [0, 1]],
]);

/** Likewise by attributes. */
const SIZED_BY_ATTRIBUTE: ReadonlyMap<string, readonly string[]> = new Map([
  ['RandomNormal', ['shape']],
  ['RandomUniform', ['shape']],
  ['Multinomial', ['sample_size']],
  ['Upsample', ['scales', 'height_scale', 'width_scale']],
  ['MaxRoiPool', ['pooled_shape']],
  ['RoiAlign', ['output_height', 'output_width']],
  ['ConvTranspose', ['output_shape', 'strides', 'dilations', 'output_padding']],
  ['MaxUnpool', ['kernel_shape', 'strides']],
  ['UnfoldTensor', ['size']],
]);

/** Attributes of what is put before and behind each axis, whatever the operator. */
const PADS = ['pads', 'paddings'];

/** Operators whose result may be of any size. */
const ANY_SIZE: ReadonlySet<string> = new Set([
  'ImageDecoder',
  'TfIdfVectorizer',
  'StringSplit',
  'ConvTransposeWithDynamicPads',
]);

/** One that is sized by constants which are not known. */
export const NOT_KNOWN = 'not known';

/** Lists of padding: each axis grows at most by both its numbers. */
function stretchOf(pads: Sides): number {
  const axes = Math.ceil(pads.length / 2);
  return elementsOf(
    pads.slice(0, axes).map((before, axis) => 1 + Math.abs(before ?? 0) + Math.abs(pads[axis + axes] ?? 0)),
  );
}

/** The first version of Resize has no region of interest before its scales. */
const sizingOf = ({ type, inputs }: Call): readonly number[] =>
  type === 'Resize' && inputs.length === 2 ? [1] : (SIZED_BY.get(type) ?? []);

/** What constants multiply the size of the result with, at most. */
export function growthOf(call: Call): number | typeof NOT_KNOWN {
  const { type, inputs, attribute } = call;
  // Complex numbers have two parts.
  let growth = type === 'DFT' || type === 'STFT' ? 2 : 1;
  for (const place of sizingOf(call)) {
    const value = inputs[place];
    const numbers = value?.numbers ?? [];
    // What comes from the picture is left to the run.
    if (value?.fixed && (value.numbers === undefined || numbers.includes(undefined))) return NOT_KNOWN;
    if (type !== 'Range') growth *= type === 'Pad' ? stretchOf(numbers) : elementsOf(numbers);
  }
  for (const name of [...PADS, ...(SIZED_BY_ATTRIBUTE.get(type) ?? [])]) {
    const said = attribute(name);
    if (said === undefined) continue;
    const { wholes, floats, whole, float } = said;
    if (wholes === undefined || floats === undefined) return NOT_KNOWN;
    growth *= PADS.includes(name) ? stretchOf(wholes) : elementsOf([...wholes, ...floats, whole, float]);
  }
  return growth;
}

/** Elements of the result of constants, at most: a product of all with all, or all together. */
export function mostOf(call: Call, domain: string): number {
  const { type, inputs } = call;
  const sizing = sizingOf(call);
  if (domain !== '' || ANY_SIZE.has(type)) return Number.POSITIVE_INFINITY;
  let [product, sum] = [1, 0];
  for (const [place, value] of inputs.entries()) {
    if (sizing.includes(place)) continue;
    product *= value?.elements ?? 1;
    sum += value?.elements ?? 0;
  }
  return Math.max(product, sum);
}
