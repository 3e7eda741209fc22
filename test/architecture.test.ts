/**
 * The import direction of src: who may know whom. A test and not a lint rule, because a rule about paths as they are
 * written does not see where `../` leads.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

interface Room {
  /** Rooms that it may import; all of them stand above it in the table, so that there are no cycles. */
  readonly rooms: readonly string[];
  /** Packages that it may import. */
  readonly packages: readonly string[];
  /** Whether it may touch files, threads and the process: the core is pure, I/O is at the edges. */
  readonly node: boolean;
}

/** From the bottom to the top. A room is a folder of src; files of src itself are `base` or `library`. */
const ROOMS: Readonly<Record<string, Room>> = {
  base: { rooms: [], packages: ['zod'], node: true },
  degradations: { rooms: [], packages: [], node: false },
  graph: { rooms: ['base'], packages: ['protobufjs'], node: false },
  runtime: {
    rooms: ['base', 'graph'],
    packages: ['onnxruntime-common', 'onnxruntime-node', 'onnxruntime-web'],
    node: true,
  },
  nn: { rooms: ['base', 'graph'], packages: [], node: false },
  hub: { rooms: ['base'], packages: ['zod'], node: true },
  diffusion: { rooms: ['base'], packages: [], node: false },
  random: { rooms: ['base'], packages: [], node: false },
  image: { rooms: ['base'], packages: ['@xmldom/xmldom', 'sharp'], node: true },
  data: { rooms: ['base', 'degradations', 'runtime', 'random', 'image'], packages: ['sharp', 'zod'], node: true },
  captions: {
    rooms: ['base', 'runtime', 'hub', 'image'],
    packages: ['@huggingface/transformers', 'sharp', 'zod'],
    node: true,
  },
  metrics: { rooms: ['base', 'graph', 'nn', 'image'], packages: ['ml-matrix'], node: false },
  models: {
    rooms: ['base', 'degradations', 'graph', 'runtime', 'nn', 'hub', 'diffusion', 'image'],
    packages: ['@huggingface/tokenizers', 'yauzl', 'zod'],
    node: true,
  },
  train: {
    rooms: [
      'base',
      'degradations',
      'graph',
      'runtime',
      'nn',
      'hub',
      'diffusion',
      'random',
      'image',
      'data',
      'metrics',
      'models',
    ],
    packages: ['d3-scale', 'd3-shape', 'zod'],
    node: true,
  },
  restore: {
    rooms: ['base', 'degradations', 'diffusion', 'random', 'image', 'models'],
    packages: ['zod'],
    node: false,
  },
  browser: { rooms: ['base', 'degradations', 'runtime', 'image', 'models', 'restore'], packages: [], node: false },
  library: {
    rooms: ['base', 'degradations', 'runtime', 'image', 'models', 'restore', 'browser'],
    packages: [],
    node: false,
  },
  evaluate: {
    rooms: [
      'base',
      'degradations',
      'graph',
      'runtime',
      'hub',
      'diffusion',
      'random',
      'image',
      'data',
      'metrics',
      'models',
      'train',
      'restore',
      'library',
    ],
    packages: ['d3-scale', 'd3-shape', 'sharp', 'zod'],
    node: true,
  },
  store: { rooms: ['base'], packages: ['@aws-sdk/client-s3'], node: true },
  queue: {
    rooms: ['base', 'degradations', 'runtime', 'image', 'models', 'restore', 'library', 'store'],
    packages: ['bullmq', 'ioredis', 'zod'],
    node: true,
  },
  server: {
    rooms: ['base', 'degradations', 'image', 'models', 'restore', 'store', 'queue'],
    packages: [
      '@fastify/multipart',
      '@fastify/rate-limit',
      '@fastify/static',
      '@fastify/swagger',
      '@fastify/swagger-ui',
      'fastify',
      'ipaddr.js',
      'pino',
      'prom-client',
      'zod',
    ],
    node: true,
  },
  cli: {
    rooms: [
      'base',
      'degradations',
      'runtime',
      'captions',
      'hub',
      'image',
      'models',
      'train',
      'restore',
      'library',
      'evaluate',
      'store',
      'queue',
      'server',
    ],
    packages: ['cli-progress', 'commander', 'sharp', 'tinyglobby', 'zod'],
    node: true,
  },
};

const BASE = ['atomic-file.ts', 'errors.ts', 'optional-package.ts', 'options.ts', 'version.ts'];

interface Import {
  /** Path below src. */
  readonly file: string;
  readonly specifier: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.ts$/.test(entry.name) && !/\.(test|cases)\.ts$/.test(entry.name) ? [path] : [];
  });
}

/** Statements start a line (the formatter sees to it), so that examples in comments are not taken for imports. */
const STATEMENT = /^(?:import|export)\s+(?<type>type\s)?(?:[^;'"]*?\sfrom\s+)?'(?<specifier>[^']+)'/gm;
const DYNAMIC = /\bimport\('(?<specifier>[^']+)'\)/g;

function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8');
  const file = relative(SRC, path).replaceAll('\\', '/');
  return [STATEMENT, DYNAMIC].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ groups = {} }) => ({
      file,
      specifier: groups.specifier ?? '',
      typeOnly: groups.type !== undefined,
    })),
  );
}

const files = sources(SRC);
const imports = files.flatMap(importsOf);
const internal = imports.filter(({ specifier }) => specifier.startsWith('.'));

const targetOf = ({ file, specifier }: Import): string =>
  relative(SRC, resolve(SRC, dirname(file), specifier)).replaceAll('\\', '/');

function roomOf(file: string): string {
  const [folder, ...rest] = file.split('/');
  if (rest.length > 0) return folder ?? '';
  return BASE.includes(file) ? 'base' : 'library';
}

function roomNamed(name: string): Room {
  const room = ROOMS[name];
  if (!room) throw new Error(`src/${name}: expected a line for it in the table of rooms`);
  return room;
}

it('finds the sources and their imports', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(internal.length).toBeGreaterThan(300);
  expect(new Set(files.map((path) => roomOf(relative(SRC, path).replaceAll('\\', '/'))))).toEqual(
    new Set(Object.keys(ROOMS)),
  );
});

it('has rooms that only know rooms above them in the table', () => {
  const order = Object.keys(ROOMS);
  for (const [name, { rooms }] of Object.entries(ROOMS)) {
    for (const known of rooms) expect([name, known, order.indexOf(known) < order.indexOf(name)]).toContain(true);
  }
});

it('imports in one direction', () => {
  const violations = internal.filter((entry) => {
    const [from, to] = [roomOf(entry.file), roomOf(targetOf(entry))];
    return from !== to && !roomNamed(from).rooms.includes(to);
  });
  expect(violations.map((entry) => `${entry.file} imports ${targetOf(entry)}`)).toEqual([]);
});

it('imports packages only where they belong, and Node only outside of the core', () => {
  const violations = imports.filter(({ file, specifier }) => {
    if (specifier.startsWith('.')) return false;
    const { packages, node } = roomNamed(roomOf(file));
    // Of a path inside a package, the package; of @scope/name/path, @scope/name.
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    return isBuiltin(specifier) ? !node : !packages.includes(name);
  });
  expect(violations.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});

it('loads ONNX Runtime in one place, which switches its telemetry off', () => {
  const loading = imports.filter(({ specifier, typeOnly }) => specifier === 'onnxruntime-node' && !typeOnly);
  expect([...new Set(loading.map(({ file }) => file))]).toEqual(['runtime/onnx-runtime.ts']);
});

// Types included: modules that can only be understood together are one module.
it('has no modules that need each other', () => {
  const edges = new Map<string, string[]>();
  for (const entry of internal) {
    edges.set(entry.file, [...(edges.get(entry.file) ?? []), targetOf(entry)]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) throw new Error(`a cycle of imports: ${[...path, file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  expect(done.size).toBeGreaterThan(100);
});

/** Modules that are loaded when the entries are, and what they ask of packages and of Node. */
function loadedBy(
  entries: readonly string[],
  among = imports,
): { readonly files: Set<string>; readonly packages: Set<string> } {
  const [reached, packages] = [new Set<string>(), new Set<string>()];
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const entry of among.filter((other) => other.file === file && !other.typeOnly)) {
      if (entry.specifier.startsWith('.')) visit(targetOf(entry));
      else packages.add(entry.specifier);
    }
  };
  for (const entry of entries) visit(entry);
  return { files: reached, packages };
}

// Globals such as Buffer are the compiler's to refuse: tsconfig.browser.json leaves Node's types out.
it('gives a browser nothing that only Node has', () => {
  const { files: reached, packages } = loadedBy(['browser.ts', 'browser/worker.ts']);
  expect(reached.size).toBeGreaterThan(50);
  expect([...packages].sort()).toEqual([
    '@xmldom/xmldom',
    'onnxruntime-web/wasm',
    'onnxruntime-web/webgpu',
    'protobufjs',
    'zod',
  ]);
});

it('gives a page a start without the packages that only writing a file and restoring need', () => {
  const statically = imports.filter(
    ({ file, specifier }) => !(file === 'browser/image.ts' && specifier === './encode.ts'),
  );
  const { packages } = loadedBy(['browser.ts'], statically);
  expect([...packages]).toEqual([]);
});
