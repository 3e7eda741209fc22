/**
 * What training knows of a degradation: one record for each, in the table of `index.ts`.
 *
 * @module
 */
import type { z } from 'zod';
import type { Raster } from '../../image/raster.ts';
import type { Random } from '../../random/random.ts';
import type { Pixels } from '../picture-store.ts';
import type { CropFrame, DepthHint } from './depth.ts';

/** What the controller should report about a picture (`Findings` gives the units). */
export interface Reading {
  /** 0..1; the degradation's words say what is measured and what 1 stands for. */
  readonly strength: number;
  /** Whether anybody could see it. */
  readonly present: boolean;
}

/** Names of degradations: what a picture has, or what is asked to go. */
export type DegradationSet = ReadonlySet<string>;

/** One realisation of something that happens to a picture. Applied twice, or to another picture, it is the same realisation. */
export interface Effect {
  /** The degradation that it is a part of. */
  readonly of: string;
  /** Its place in the order of light (`DegradationWords.place`). */
  readonly place: number;
  /** What was drawn, in a few words, for people. */
  readonly drawn: string;
  /** The picture with it, sRGB 0..1. */
  apply(before: Raster): Raster | Promise<Raster>;
  /** The picture without it where that is not the picture as it came: a camera's rendering without its noise. */
  without?(before: Raster): Raster | Promise<Raster>;
  /** Reads it from the picture without and with it; absent: the record's own way. */
  measure?(without: Raster, after: Raster): Reading | Promise<Reading>;
}

/** A clear region with what is known about it. */
export interface Scene {
  readonly clear: Raster;
  readonly captions: readonly string[];
}

/** A region of a photo, and where it lies. */
export interface PhotoRegion extends Scene {
  readonly hint: DepthHint | null;
  readonly frame: CropFrame;
}

/** A genuine haze pair with the transmission that the airlight in its name implies (16-bit, 0..1). */
export interface HazeScene {
  readonly hazy: Pixels;
  readonly clear: Pixels;
  readonly transmission: Pixels;
  readonly beta: number;
  readonly airlight: number;
}

/** Files that degradations are made of, by number. */
export interface PictureSource {
  readonly counts: { readonly rainLayers: number; readonly hazeScenes: number };
  rainLayer(number: number): Promise<Pixels>;
  hazeScene(number: number): Promise<HazeScene>;
}

/** What a degradation is drawn for. */
export interface DrawContext {
  /** Side of the square picture that its effects have to give, pixels. */
  readonly side: number;
  readonly pictures: PictureSource;
  /** Whether it comes along with another (`companions`), and should leave something of the picture to be seen. */
  readonly companion: boolean;
  /** Whether the model knows a degradation of this name. */
  knows(name: string): boolean;
  /** The photo that it will happen to. Only for the first in the order of light: later ones do not know the size yet. */
  photo(choice: { readonly upright: boolean }): Promise<PhotoRegion>;
}

export interface Drawn {
  readonly effects: readonly Effect[];
  /** Side of the picture that the effects take, where it is not the one that they give (a converter that reduces). */
  readonly side?: number;
  /** The clear picture, where the degradation brings its own. */
  readonly scene?: Scene;
}

export interface DegradationRecord<Options> {
  /** Its section of the data configuration, under its name. */
  readonly options: z.ZodType<Options>;
  /** How often it is a sample's only degradation where the configuration does not say, relative to the other tasks. */
  readonly weight: number;
  /** Other degradations that mostly come with it, with their shares, 0..1: dark pictures are noisy ones. */
  readonly companions?: Readonly<Record<string, number>>;
  draw(random: Random, options: Options, context: DrawContext): Drawn | Promise<Drawn>;
  /** Reads it from a pair of pictures, without and with it. */
  measure(without: Raster, after: Raster): Reading | Promise<Reading>;
  /** Reads it from a picture alone, roughly. */
  estimate?(picture: Raster): Reading;
  /** The options for validation, where there should be little that is made up. */
  genuine?(options: Options): Options;
}
