/**
 * What describes the content of a picture in words.
 *
 * @module
 */

/** A picture as captioning models take it. */
export interface CaptionImage {
  /** A JPEG file's bytes, at most {@link CAPTION_SIDE} pixels a side. */
  readonly jpeg: Uint8Array;
}

export interface Captioner {
  /** Name of the model, for records. */
  readonly name: string;
  /** @throws ClearwordError CAPTION_FAILED, CANCELLED */
  caption(image: CaptionImage, signal?: AbortSignal): Promise<string>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

/** Pictures are reduced to this side: vision-language models see no more, and requests stay small. */
export const CAPTION_SIDE = 768;

/**
 * What a model is asked by default. It also gets degraded pictures (the paper's Ours-LQ), whose noise or rain must not become
 * part of the content.
 */
export const DEFAULT_PROMPT =
  'Describe the content of this photo in one short sentence: the objects, their surroundings and colours. ' +
  'Do not mention noise, blur, rain, haze or the quality of the photo.';

const LONGEST = 400;

/** The answer of a model as one line: no quotes or labels around it, no tabs, not longer than a text encoder can use. */
export function tidyCaption(answer: string): string {
  const line = answer
    .replace(/<think>[\s\S]*?<\/think>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(?:caption|description|answer)\s*:\s*/i, '')
    .replace(/^["'“”]+|["'“”]+$/g, '')
    .trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST).replace(/\s+\S*$/, '')}`;
}
