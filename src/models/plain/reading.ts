/**
 * How a network is to be read: what its file states, what its descriptor says, and what is guessed of the rest.
 *
 * @module
 */
import { ClearwordError } from '../../errors.ts';
import type { DType } from '../../graph/tensor.ts';
import { TILE_BLEND, type Tiling } from '../model.ts';
import { type Descriptor, type DescriptorKey, LARGEST_TILE, type Range } from './descriptor.ts';
import type { Dimension, OnnxFile, OnnxValue } from './file/onnx-file.ts';
import { described, listed, quoted } from './refusal.ts';

export type PixelType = Extract<DType, 'float32' | 'float16' | 'uint8'>;

/** How the network is told how noisy the picture is. */
export interface NoiseInput {
  /** `plane`: as one more channel of the picture; `map`: a plane of its own; `value`: one number. */
  readonly form: 'plane' | 'map' | 'value';
  /** Order of a map's axes. */
  readonly layout: Reading['layout'];
  /** Name of the input, for a map and a value. */
  readonly name: string;
  /** Shape of a value, whose free sides are 1. */
  readonly shape: readonly number[];
  readonly type: PixelType;
  /** Standard deviation of 8-bit values. */
  readonly level: number;
  /** Value of the network for each level. */
  readonly scale: number;
}

/** Everything that is needed to put a tile in and to take one out. */
export interface Reading {
  readonly name: string;
  readonly layout: 'nchw' | 'nhwc';
  readonly channels: 'rgb' | 'bgr' | 'y';
  readonly range: Range;
  readonly outputRange: Range;
  /** Red, green, blue. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly normalisedOutput: boolean;
  readonly residual: 'none' | 'removed' | 'added';
  readonly input: { readonly name: string; readonly type: PixelType };
  readonly output: string;
  readonly noise: NoiseInput | undefined;
  readonly tiling: Tiling;
  /** Largest side of a tile. */
  readonly tile: number;
  /** What nobody stated. */
  readonly guessed: readonly DescriptorKey[];
}

/** Largest tile unless the descriptor says otherwise, or the network looks so far that it needs larger ones. */
const TILE = 512;
/** Networks with up to four halvings take it; those in windows of 8 do, too. */
const MULTIPLE = 16;
/** As far as most convolutional networks see well; what looks further sees less and less. */
const HALO = 32;
/** A fixed side that no picture has. */
const MOST_SIDE = 16384;

interface Sides {
  readonly channels: Dimension;
  readonly height: Dimension;
  readonly width: Dimension;
}

const TYPES: Readonly<Record<number, PixelType>> = { 1: 'float32', 10: 'float16', 2: 'uint8' };

/** @throws ClearwordError MODEL_INVALID for a network that does not map a picture to one of its size */
export function readingOf(file: OnnxFile, descriptor: Descriptor, stem: string, source: string): Reading {
  return new Interpreter(descriptor, source).read(file, stem);
}

class Interpreter {
  readonly #descriptor: Descriptor;
  readonly #source: string;
  readonly #guessed: DescriptorKey[] = [];

  constructor(descriptor: Descriptor, source: string) {
    this.#descriptor = descriptor;
    this.#source = source;
  }

  read({ graph }: OnnxFile, stem: string): Reading {
    const constants = new Set(graph.initialisers.map(({ name }) => name));
    const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
    const picture = this.#picture(inputs);
    const type = this.#type(picture);
    const layout = this.#layout(picture);
    const sides = this.#sides(picture, layout);
    const { channels, plane } = this.#channels(sides.channels);
    const range = this.#range('range', type === 'uint8' ? '0..255' : '0..1', type === 'uint8');
    const others = inputs.filter((value) => value !== picture);
    const noise = this.#noise(others, plane, range, type);
    const output = this.#output(graph.outputs, layout, sides);
    const outputType = TYPES[output.elementType];
    const outputRange =
      this.#descriptor.outputRange ??
      (outputType === 'uint8' ? '0..255' : type === 'uint8' ? this.#range('outputRange', '0..1', false) : range);
    const triple = (values: number | number[]) => (typeof values === 'number' ? [values, values, values] : values);
    const { normalisedOutput = true, residual = 'none', mean = 0, std = 1, name = stem } = this.#descriptor;
    if (this.#descriptor.residual === undefined) this.#guessed.push('residual');
    const tiling = this.#tiling(sides);
    return {
      name,
      layout,
      channels,
      range,
      outputRange,
      mean: triple(mean),
      std: triple(std),
      normalisedOutput,
      residual,
      input: { name: picture.name, type },
      output: output.name,
      noise,
      tiling,
      tile: this.#descriptor.tile ?? roomyTile(tiling),
      guessed: this.#guessed,
    };
  }

  #fail(expected: string, received: string, key?: DescriptorKey): never {
    const fix =
      key === undefined
        ? 'docs/other-models.md says which networks can be used, and how to export them.'
        : `Say it with ${key} in the descriptor; docs/other-models.md has its form.`;
    throw new ClearwordError('MODEL_INVALID', `${this.#source}: expected ${expected}, received ${received}`, { fix });
  }

  /** The input that is the picture. */
  #picture(inputs: readonly OnnxValue[]): OnnxValue {
    const { input } = this.#descriptor;
    const candidates = inputs.filter(({ shape }) => shape?.length === 4);
    const pictures = candidates.filter(({ elementType }) => TYPES[elementType] !== undefined);
    // A map of the noise level has one channel; the picture comes first where both have.
    const coloured = pictures.filter(({ shape = [] }) => ![shape[1], shape[3]].includes(1));
    const chosen = input === undefined ? (coloured[0] ?? pictures[0]) : inputs.find(({ name }) => name === input);
    if (chosen === undefined && candidates.length > 0)
      this.#fail('a picture of float32, float16 or uint8', listed(candidates));
    if (chosen?.shape?.length !== 4) {
      return this.#fail('an input of four axes for the picture', listed(inputs) || 'no inputs', 'input');
    }
    if (inputs.length > 2) this.#fail('a picture, or a picture and a noise level, as inputs', listed(inputs));
    return chosen;
  }

  #type(value: OnnxValue): PixelType {
    return TYPES[value.elementType] ?? this.#fail('float32, float16 or uint8', described(value));
  }

  #layout({ shape = [] }: OnnxValue): Reading['layout'] {
    const { layout } = this.#descriptor;
    if (layout !== undefined) return layout;
    const [first, last] = [isChannels(shape[1]), isChannels(shape[3])];
    if (first === last) this.#guessed.push('layout');
    return last && !first ? 'nhwc' : 'nchw';
  }

  #sides(value: OnnxValue, layout: Reading['layout']): Sides {
    const [batch, ...rest] = value.shape ?? [];
    const [channels, height, width] = layout === 'nchw' ? rest : [rest[2], rest[0], rest[1]];
    if (batch !== undefined && batch !== 1) this.#fail('one picture at a time', described(value));
    if ((height ?? 1) > MOST_SIDE || (width ?? 1) > MOST_SIDE)
      this.#fail(`sides of at most ${MOST_SIDE}`, described(value));
    return { channels, height, width };
  }

  /** Which colours the channels are, and whether one more of them is a plane of the noise level. */
  #channels(count: Dimension): { readonly channels: Reading['channels']; readonly plane: boolean } {
    const said = this.#descriptor.channels;
    if (said !== undefined) {
      const own = said === 'y' ? 1 : 3;
      if (count !== undefined && count !== own && count !== own + 1)
        this.#fail(`${own} channels for ${said}`, `${count}`, 'channels');
      return { channels: said, plane: count === own + 1 };
    }
    if (count === 1 || count === 2) return { channels: 'y', plane: count === 2 };
    if (count !== undefined && count !== 3 && count !== 4) {
      this.#fail('1 or 3 channels, or one more for the noise level', `${count}`);
    }
    this.#guessed.push('channels');
    return { channels: 'rgb', plane: count === 4 };
  }

  #range(key: 'range' | 'outputRange', usual: Range, stated: boolean): Range {
    const said = this.#descriptor[key];
    if (said === undefined && !stated) this.#guessed.push(key);
    return said ?? usual;
  }

  #noise(others: readonly OnnxValue[], plane: boolean, range: Range, type: PixelType): NoiseInput | undefined {
    const { noiseInput, noiseLevel, noiseScale } = this.#descriptor;
    const value = noiseInput === undefined ? others[0] : others.find(({ name }) => name === noiseInput);
    if (noiseInput !== undefined && value === undefined)
      this.#fail(`an input ${quoted(noiseInput)}`, listed(others) || 'none');
    if (value === undefined && !plane) return undefined;
    if (value !== undefined && plane) this.#fail('one noise level', 'two: a channel and an input');
    if (noiseLevel === undefined) this.#guessed.push('noiseLevel');
    if (noiseScale === undefined) this.#guessed.push('noiseScale');
    const level = noiseLevel ?? 15;
    const scale = noiseScale ?? usualScale(range);
    if (value === undefined) return { form: 'plane', layout: 'nchw', name: '', shape: [], type, level, scale };
    const { name, shape = [] } = value;
    const isMap = shape.length === 4 && [shape[2], shape[3]].some((side) => side !== 1);
    const wide = shape.find((side) => side !== undefined && side !== 1);
    if (!isMap && wide !== undefined) this.#fail('a noise level that is one number or a plane', described(value));
    const layout = shape[1] !== 1 && shape[3] === 1 ? 'nhwc' : 'nchw';
    const planes = layout === 'nchw' ? shape[1] : 1;
    if (isMap && planes !== undefined && planes !== 1)
      this.#fail('one picture, and a noise level of one channel if there is one', described(value));
    return {
      form: isMap ? 'map' : 'value',
      layout,
      name,
      shape: shape.map(() => 1),
      type: this.#type(value),
      level,
      scale,
    };
  }

  /** The output that is the result: of the picture's form, and the first one where several are. */
  #output(outputs: readonly OnnxValue[], layout: Reading['layout'], input: Sides): OnnxValue {
    const { output } = this.#descriptor;
    const fitting = outputs.filter(
      ({ shape, elementType }) => TYPES[elementType] !== undefined && (shape === undefined || shape.length === 4),
    );
    const chosen = output === undefined ? fitting[0] : outputs.find(({ name }) => name === output);
    if (chosen === undefined)
      return this.#fail('an output that is a picture', listed(outputs) || 'no outputs', 'output');
    if (fitting.length > 1 && output === undefined) this.#guessed.push('output');
    if (chosen.shape === undefined) return chosen;
    const { height, width } = this.#sides(chosen, layout);
    for (const [before, after] of [
      [input.height, height],
      [input.width, width],
    ]) {
      if (before === undefined || after === undefined || before === after) continue;
      this.#fail('a network that keeps the size of pictures', `one that turns ${before} pixels into ${after}`);
    }
    return chosen;
  }

  #tiling({ height, width }: Sides): Tiling {
    const { multiple, halo: said } = this.#descriptor;
    if (said === undefined) this.#guessed.push('halo');
    const halo = said === undefined ? { halo: HALO, guessedHalo: true } : { halo: said };
    if (height !== undefined && width !== undefined) {
      if (multiple !== undefined && (width % multiple !== 0 || height % multiple !== 0)) {
        this.#fail(`a size that is a multiple of ${multiple}`, `${width} x ${height}`, 'multiple');
      }
      return { multiple: multiple ?? 1, ...halo, fixed: { width, height } };
    }
    if (height !== undefined || width !== undefined)
      this.#fail('a size that is free or fixed in both directions', 'one that is fixed in one');
    if (multiple === undefined) this.#guessed.push('multiple');
    return { multiple: multiple ?? MULTIPLE, ...halo };
  }
}

/** A tile of which at most half is shared with a neighbour: the halos of both, and what they blend over. */
function roomyTile({ multiple, halo }: Tiling): number {
  const shared = multiple * Math.ceil((2 * halo + TILE_BLEND) / multiple);
  return Math.min(LARGEST_TILE, Math.max(TILE, 2 * shared));
}

/** What a noise level of 1 of 255 is to most networks. */
export const usualScale = (range: Range): number => (range === '0..255' ? 1 : 1 / 255);

const isChannels = (side: Dimension): boolean => side !== undefined && side >= 1 && side <= 4;
