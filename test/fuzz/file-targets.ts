/**
 * Files that people give: pictures, models of others, cards.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { ModelProto } from '../../src/graph/onnx/schema.ts';
import { encodeImage } from '../../src/image/image-encode.ts';
import { IMAGE_FORMATS, readImage } from '../../src/image/image-file.ts';
import { mergeXmp } from '../../src/image/xmp.ts';
import { parseCard } from '../../src/models/card.ts';
import { modelLayout } from '../../src/models/loaded-model.ts';
import { readOnnxWeights } from '../../src/models/onnx-weights.ts';
import { readPytorchFile } from '../../src/models/pytorch-file.ts';
import { loadFloats, readSafetensors, storeFloat32, writeSafetensors } from '../../src/models/safetensors.ts';
import { readWeights } from '../../src/models/weights-file.ts';
import { patternPicture } from '../support/pictures.ts';
import { bytesOf, expectTrue, outcomeOf, type Target, textOf } from './target.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Pixels of the largest picture that is decoded, and colours of the largest that is written again. */
const [LARGEST, WRITTEN] = [200_000, 30_000];

/** A picture within the limits, which can be written with all that its file said of it; or an error of the catalogue. */
export async function images(): Promise<Target> {
  const picture = patternPicture(24, 18, { alpha: true });
  const raw = { width: 24, height: 18, channels: 3 } as const;
  const camera = sharp(picture.data, { raw })
    .withMetadata({ density: 300, orientation: 6 })
    .withExifMerge({ IFD0: { Copyright: 'Ada' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } });
  const { source } = await readImage(await camera.jpeg().toBuffer());
  const iptc = [{ id: 0x0404, data: Uint8Array.of(0x1c, 2, 25, 0, 1, 65) }];
  const metadata = { ...source.metadata, iptc, resolution: { x: 300, y: 300, unit: 'inch' as const } };
  const write = (format: (typeof IMAGE_FORMATS)[number], options: { depth?: 16; grey?: boolean } = {}) => {
    const { depth = 8, grey = false } = options;
    const drawn = patternPicture(20, 15, { bits: depth, channels: grey ? 1 : 3 });
    return encodeImage(drawn, {
      format,
      xmp: mergeXmp(undefined, { prompt: 'fuzz' }),
      source: { ...source, metadata },
    });
  };
  const samples = await Promise.all([
    ...IMAGE_FORMATS.map((format) => write(format)),
    write('png', { depth: 16 }),
    write('tiff', { depth: 16 }),
    write('jpeg', { grey: true }),
    sharp(picture.data, { raw }).jpeg({ progressive: true }).toBuffer(),
    sharp(picture.data, { raw }).png({ palette: true }).toBuffer(),
    sharp(picture.data, { raw }).tiff({ compression: 'lzw', tile: true }).toBuffer(),
    sharp(picture.data, { raw }).gif().toBuffer(),
  ]);
  return {
    samples,
    words: [
      'Exif\0\0',
      'IHDR',
      'iCCP',
      'eXIf',
      'iTXt',
      'VP8X',
      'EXIF',
      'XMP ',
      'ftypavif',
      'meta',
      '<x:xmpmeta',
      'xmpNote:HasExtendedXMP',
      'II*\0',
      'MM\0*',
      'ICC_PROFILE\0',
      'Photoshop 3.0\0',
      '8BIM',
    ],
    run: (input) =>
      outcomeOf(async () => {
        const decoded = await readImage(input, { limits: { pixels: LARGEST } });
        const { width, height, channels, data } = decoded.picture;
        expectTrue(data.length === width * height * channels, `${width} x ${height} x ${channels} values`);
        expectTrue(width * height <= LARGEST, `at most ${LARGEST} pixels`);
        const known = decoded.source.metadata;
        if (data.length < WRITTEN) {
          const xmp = mergeXmp(known.xmp, { seed: 1 });
          const { format } = decoded.source;
          await readImage(await encodeImage(decoded.picture, { format, source: decoded.source, xmp }));
        }
        return `${decoded.source.format} ${channels} ${Object.keys(known).sort()} ${decoded.warnings.length}`;
      }),
  };
}

/** A card, and the network that it describes laid out; or an error of the catalogue. */
export function cards(): Target {
  const card = readFileSync(at('../../weights/lite.json'), 'utf8');
  const { training: _, quality: __, ...rest } = JSON.parse(card) as Record<string, unknown>;
  const words = [
    'null',
    '-1',
    '1e9',
    '0.5',
    '{}',
    '[]',
    '""',
    'true',
    '"__proto__":{}',
    '"width":',
    '"blocks":[',
    '"none"',
    '"calibration":{"haze":{}}',
    '"sigmoid"',
  ];
  return {
    samples: [bytesOf(JSON.stringify({ ...rest, training: {}, quality: {} })), bytesOf(card)],
    words,
    run: (input) =>
      outcomeOf(() => {
        const { preset } = parseCard(textOf(input), 'card.json');
        return modelLayout(preset).size > 0 ? 'a network' : 'an empty network';
      }),
  };
}

/** Tensors as the header says; or an error of the catalogue. */
export function safetensors(): Target {
  const tensors = new Map([
    ['first.weight', storeFloat32(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])],
    ['first.bias', storeFloat32(Float32Array.of(1, 2), [2])],
    ['scale', storeFloat32(Float32Array.of(0.5), [])],
  ]);
  return {
    samples: [Buffer.concat(writeSafetensors({ tensors, metadata: { format: 'clearword-model-1' } }))],
    words: [
      '"data_offsets":[0,4]',
      '"shape":[',
      '"dtype":"F16"',
      '"I64"',
      '"BF16"',
      '__metadata__',
      '-1',
      '1e20',
      '[]',
      '{}',
    ],
    run: (input) =>
      outcomeOf(() => {
        const file = readSafetensors(input, 'model.safetensors');
        for (const [name, tensor] of file.tensors) {
          const size = tensor.shape.reduce((product, side) => product * side, 1);
          if (tensor.dtype !== 'I64') expectTrue(loadFloats(tensor).length === size, `${size} values for ${name}`);
        }
        return `${file.tensors.size} tensors`;
      }),
  };
}

/** What a reader of files makes of bytes, by a file that is written over again. */
async function throughFile(name: string, read: (path: string) => Promise<string>) {
  const folder = await mkdtemp(join(tmpdir(), 'clearword-fuzz-'));
  const path = join(folder, name);
  return {
    run: (input: Uint8Array) => {
      writeFileSync(path, input);
      return outcomeOf(() => read(path));
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Tensors of a PyTorch file, and nothing executed; or an error of the catalogue. */
export async function pickles(): Promise<Target> {
  const fixtures = at('../fixtures/pytorch');
  const samples = readdirSync(fixtures).map((name) => readFileSync(join(fixtures, name)));
  return {
    samples,
    words: [
      'ctorch._utils\n_rebuild_tensor_v2\n',
      'cposix\nsystem\n',
      'ccollections\nOrderedDict\n',
      '\x80\x02}q\0',
      'PK\x01\x02',
      'PK\x05\x06',
      'data.pkl',
      'R.',
      '((((',
      '}}}}',
      'torch.FloatStorage',
    ],
    ...(await throughFile('weights.pt', async (path) => {
      const tensors = await readPytorchFile(path);
      for (const [name, { shape, data }] of tensors) {
        const size = shape.reduce((product, side) => product * side, 1);
        expectTrue(data.length === size, `${size} values for ${name}`);
      }
      return `${tensors.size} tensors`;
    })),
  };
}

/** Weights of an ONNX model; or an error of the catalogue. */
export function onnxWeights(): Target {
  const model = (initializer: object[], node: object[] = []) =>
    ModelProto.encode(ModelProto.fromObject({ graph: { node, initializer } })).finish();
  const floats = { name: 'body.0.weight', dataType: 1, dims: [2, 2], rawData: new Uint8Array(16) };
  const listed = { name: 'body.0.bias', dataType: 1, dims: [2], floatData: [1, 2] };
  const halves = { name: 'onnx::MatMul_12', dataType: 10, dims: [2, 1], int32Data: [15360, 0] };
  const product = { input: ['x', 'onnx::MatMul_12'], output: ['y'], name: '/head/fc/MatMul', opType: 'MatMul' };
  return {
    samples: [
      model([floats]),
      model([listed, halves], [product]),
      model([{ ...floats, dataType: 11, rawData: new Uint8Array(32) }]),
    ],
    words: ['onnx::MatMul_1', '/head/MatMul', 'body.0.weight', 'Gemm', 'Add', 'embeddings'],
    run: (input) => outcomeOf(() => `${readOnnxWeights(input, 'weights.onnx').size} tensors`),
  };
}

/** Any weights, told by their contents; or an error of the catalogue. */
export async function weights(): Promise<Target> {
  const all = [safetensors(), onnxWeights(), await pickles()];
  return {
    samples: all.flatMap(({ samples }) => samples),
    words: all.flatMap(({ words }) => words),
    ...(await throughFile('weights.bin', async (path) => `${(await readWeights(path)).size} tensors`)),
  };
}
