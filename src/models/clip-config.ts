/**
 * CLIP and DA-CLIP encoders as data.
 *
 * @module
 */
import { z } from 'zod';

const count = z.int().min(1);

const transformer = { width: count, layers: count, heads: count };

export const clipSchema = z.strictObject({
  /** Features of the embeddings that text and pictures share. */
  embedding: count,
  /** `gelu`: x Phi(x), of OpenCLIP's models and DA-CLIP; `quick-gelu`: x sigmoid(1.702 x), of OpenAI's. */
  activation: z.enum(['gelu', 'quick-gelu']),
  text: z.strictObject({
    ...transformer,
    /** Tokens read, with the marks for start and end. */
    contextLength: z.int().min(2),
    vocabularySize: z.int().min(514),
  }),
  vision: z.strictObject({
    ...transformer,
    /** Side of the square that pictures are brought to, pixels. */
    imageSize: count,
    /** Side of the squares that become one token each, pixels. */
    patchSize: count,
  }),
});

/** Encoders that come from outside and stay as they are while the network is trained. */
export const externalEncodersSchema = z.strictObject({
  kind: z.literal('daclip'),
  clip: clipSchema,
  /** Whether an embedding is scaled to unit length: the authors scale e_c and leave e_d as the controller gives it. */
  unitLength: z.strictObject({ text: z.boolean(), degradation: z.boolean() }),
  /**
   * Texts for each degradation, and for a clean picture: what is found is read off the similarity of e_d with them. The
   * words are those of DA-CLIP's training.
   */
  names: z.strictObject({
    clean: z.array(z.string().min(1)).readonly(),
    noise: z.array(z.string().min(1)).min(1).readonly(),
    rain: z.array(z.string().min(1)).min(1).readonly(),
    haze: z.array(z.string().min(1)).min(1).readonly(),
    /** Further degradations that the controller knows and this program does not name. */
    other: z.array(z.string().min(1)).readonly(),
  }),
});

export type ClipConfig = Readonly<z.infer<typeof clipSchema>>;
export type ClipTextConfig = ClipConfig['text'];
export type ClipVisionConfig = ClipConfig['vision'];
export type ExternalEncoders = Readonly<z.infer<typeof externalEncodersSchema>>;

/** ViT-B/32 as OpenCLIP trains it and DA-CLIP controls it. */
export const VIT_B_32: ClipConfig = {
  embedding: 512,
  activation: 'gelu',
  text: { width: 512, layers: 12, heads: 8, contextLength: 77, vocabularySize: 49408 },
  vision: { width: 768, layers: 12, heads: 12, imageSize: 224, patchSize: 32 },
};

/** DA-CLIP on ViT-B/32 (Luo et al. 2024), with the ten degradations of its training. */
export const DACLIP_VIT_B_32: ExternalEncoders = {
  kind: 'daclip',
  clip: VIT_B_32,
  unitLength: { text: true, degradation: false },
  names: {
    clean: [],
    noise: ['noisy'],
    rain: ['rainy', 'raindrop'],
    haze: ['hazy'],
    other: ['motion-blurry', 'jpeg-compressed', 'low-light', 'shadowed', 'snowy', 'inpainting'],
  },
};

/** Every part of it in a few thousand parameters, for tests. */
export const TINY_DACLIP: ExternalEncoders = {
  kind: 'daclip',
  clip: {
    embedding: 16,
    activation: 'gelu',
    text: { width: 8, layers: 1, heads: 2, contextLength: 8, vocabularySize: 600 },
    vision: { width: 8, layers: 2, heads: 2, imageSize: 16, patchSize: 8 },
  },
  unitLength: { text: true, degradation: false },
  names: { clean: ['clean'], noise: ['noisy'], rain: ['rainy'], haze: ['hazy'], other: ['snowy'] },
};
