/**
 * What the parameters of CLIP and DA-CLIP are called in the files of those who publish them.
 *
 * Every naming is a function from our names (those of `clip.ts` and `daclip.ts`) to theirs, so that one table reads and writes.
 *
 * @module
 */

/** Where a parameter comes from. */
export interface Origin {
  /** One tensor, or several that are joined along their first axis (Hugging Face keeps q, k and v apart). */
  readonly names: readonly string[];
  /** Theirs is [in,out] where ours is [out,in], or the other way round. */
  readonly transposed: boolean;
}

/** Where our parameter is in files of this naming; undefined where they do not have it. */
export type Naming = (name: string) => Origin | undefined;

const plain = (name: string): Origin => ({ names: [name], transposed: false });

/** Replaces the first prefix that fits; a name that none fits is not part of the naming. */
function withPrefixes(prefixes: Readonly<Record<string, string>>): Naming {
  return (name) => {
    const entry = Object.entries(prefixes).find(([ours]) => name.startsWith(ours));
    return entry && plain(entry[1] + name.slice(entry[0].length));
  };
}

/** Parts of a transformer block: ours -> Hugging Face's. */
const BLOCK_PARTS: Readonly<Record<string, string>> = {
  ln_1: 'layer_norm1',
  ln_2: 'layer_norm2',
  'attn.out_proj': 'self_attn.out_proj',
  'mlp.c_fc': 'mlp.fc1',
  'mlp.c_proj': 'mlp.fc2',
};

/** Everything outside of the blocks: ours -> Hugging Face's, and whether it is transposed. */
const HUGGING_FACE: Readonly<Record<string, readonly [string, boolean]>> = {
  logit_scale: ['logit_scale', false],
  'clip.text.token_embedding.weight': ['text_model.embeddings.token_embedding.weight', false],
  'clip.text.positional_embedding': ['text_model.embeddings.position_embedding.weight', false],
  'clip.text.ln_final.weight': ['text_model.final_layer_norm.weight', false],
  'clip.text.ln_final.bias': ['text_model.final_layer_norm.bias', false],
  'clip.text.text_projection': ['text_projection.weight', true],
  'clip.visual.class_embedding': ['vision_model.embeddings.class_embedding', false],
  'clip.visual.positional_embedding': ['vision_model.embeddings.position_embedding.weight', false],
  'clip.visual.conv1.weight': ['vision_model.embeddings.patch_embedding.weight', false],
  // Spelt so by its authors.
  'clip.visual.ln_pre.weight': ['vision_model.pre_layrnorm.weight', false],
  'clip.visual.ln_pre.bias': ['vision_model.pre_layrnorm.bias', false],
  'clip.visual.ln_post.weight': ['vision_model.post_layernorm.weight', false],
  'clip.visual.ln_post.bias': ['vision_model.post_layernorm.bias', false],
  'clip.visual.proj': ['visual_projection.weight', true],
};

function huggingFace(name: string): Origin | undefined {
  const known = HUGGING_FACE[name];
  if (known) return { names: [known[0]], transposed: known[1] };
  const block = /^clip\.(text|visual)\.transformer\.resblocks\.(\d+)\.(.+)$/.exec(name);
  if (!block) return undefined;
  const [, tower, layer, part = ''] = block;
  const prefix = `${tower === 'text' ? 'text_model' : 'vision_model'}.encoder.layers.${layer}`;
  const joined = /^attn\.in_proj_(weight|bias)$/.exec(part);
  if (joined) {
    const names = ['q', 'k', 'v'].map((letter) => `${prefix}.self_attn.${letter}_proj.${joined[1]}`);
    return { names, transposed: false };
  }
  const [, stem = '', kind] = /^(.+)\.(weight|bias)$/.exec(part) ?? [];
  const theirs = BLOCK_PARTS[stem];
  return theirs === undefined ? undefined : plain(`${prefix}.${theirs}.${kind}`);
}

/** The namings, by the names that the command line knows them by. */
export const NAMINGS = {
  /** DA-CLIP over a CLIP with a text tower of its own: our names. */
  daclip: plain,
  /** DA-CLIP over OpenCLIP's usual model, whose text tower has no name. */
  'daclip-openclip': withPrefixes({
    'clip.text.': 'clip.',
    'clip.visual.': 'clip.visual.',
    visual_control: 'visual_control',
    logit_scale: 'logit_scale',
  }),
  /** OpenAI's and OpenCLIP's models. */
  openclip: withPrefixes({ 'clip.text.': '', 'clip.visual.': 'visual.', logit_scale: 'logit_scale' }),
  /** OpenCLIP's models with a text tower of their own. */
  'openclip-custom-text': withPrefixes({
    'clip.text.': 'text.',
    'clip.visual.': 'visual.',
    logit_scale: 'logit_scale',
  }),
  huggingface: huggingFace,
} as const satisfies Readonly<Record<string, Naming>>;

export type NamingName = keyof typeof NAMINGS;
export const NAMING_NAMES = Object.keys(NAMINGS) as NamingName[];

/** Tensors of published files that carry no weights: masks, positions, sizes, and copies of what is there already. */
const NO_WEIGHTS = [
  /(^|\.)attn_mask$/,
  /(^|\.)position_ids$/,
  /^(input_resolution|context_length|vocab_size)$/,
  /(^|\.)num_batches_tracked$/,
  /^clip\.logit_scale$/,
  /^clip\.logit_bias$/,
];

/** DA-CLIP's file holds CLIP's vision tower twice, under `clip.visual` and `visual`. */
const isCopy = (name: string, all: ReadonlySet<string>) => name.startsWith('visual.') && all.has(`clip.${name}`);

export const carriesNoWeights = (name: string, all: ReadonlySet<string>): boolean =>
  NO_WEIGHTS.some((pattern) => pattern.test(name)) || isCopy(name, all);

/** Prefixes that wrappers for several devices and for compilation put before every name. */
const WRAPPERS = ['module.', '_orig_mod.'];

/** The names without a prefix that all of them have. */
export function withoutWrappers<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const prefix = WRAPPERS.find(
    (wrapper) => tensors.size > 0 && [...tensors.keys()].every((n) => n.startsWith(wrapper)),
  );
  if (prefix === undefined) return tensors;
  return withoutWrappers(new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
}
