/**
 * The page's build: `npm run build:web` writes web/dist, which any web server can serve from any path.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const WEIGHTS = fileURLToPath(new URL('../weights', import.meta.url));
const FILES = ['lite.safetensors', 'lite.json'];

/** Shared memory, and so threads, exist only in pages that are isolated from those of other origins. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The bundled model under weights/, where the page looks for it; without one the page says that it is missing. */
function bundledModel(): Plugin {
  let out = join(ROOT, 'dist');
  return {
    name: 'clearword-bundled-model',
    configResolved: ({ root, build }) => {
      out = resolve(root, build.outDir);
    },
    configureServer: (server) => {
      server.middlewares.use('/weights', (request, response, next) => {
        const file = FILES.find((name) => request.url === `/${name}`);
        if (file === undefined || !existsSync(join(WEIGHTS, file))) return next();
        createReadStream(join(WEIGHTS, file)).pipe(response);
      });
    },
    closeBundle: async () => {
      for (const file of FILES.filter((name) => existsSync(join(WEIGHTS, name)))) {
        const target = join(out, 'weights', file);
        await mkdir(dirname(target), { recursive: true });
        await copyFile(join(WEIGHTS, file), target);
      }
    },
  };
}

/** Two seconds of work, and a quarter smaller than gzip makes it; the highest quality takes a minute for little more. */
const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_LGWIN]: 24 };

/** The runtime's .wasm files compressed beside themselves, for `clearword serve` and for the package. */
function compressedRuntime(): Plugin {
  let out = join(ROOT, 'dist');
  return {
    name: 'clearword-compressed-runtime',
    // Not where tests build pages for themselves.
    apply: ({ build }, { command }) => command === 'build' && build?.minify !== false,
    configResolved: ({ root, build }) => {
      out = resolve(root, build.outDir);
    },
    closeBundle: async () => {
      const assets = join(out, 'assets');
      for (const name of (await readdir(assets)).filter((file) => file.endsWith('.wasm'))) {
        const data = await readFile(join(assets, name));
        await writeFile(join(assets, `${name}.br`), await promisify(brotliCompress)(data, { params: BROTLI }));
      }
    },
  };
}

const SERVICE_WORKER = 'service-worker';

/** Writes into the service worker which files the page has: all but the runtimes, of which a device needs one, and the model. */
function offlineFiles(): Plugin {
  let out = join(ROOT, 'dist');
  return {
    name: 'clearword-offline-files',
    apply: 'build',
    configResolved: ({ root, build }) => {
      out = resolve(root, build.outDir);
    },
    // Once the page is written, but before others put large files beside it.
    writeBundle: {
      order: 'post',
      sequential: true,
      handler: async () => {
        const worker = join(out, `${SERVICE_WORKER}.js`);
        const found = await readdir(out, { recursive: true, withFileTypes: true });
        const paths = found
          .filter((entry) => entry.isFile() && !/\.(wasm|br|safetensors)$/.test(entry.name))
          .map((entry) => join(entry.parentPath, entry.name))
          .filter((path) => path !== worker && !path.startsWith(join(out, 'weights')))
          .sort();
        const hash = createHash('sha256');
        for (const path of paths) hash.update(await readFile(path));
        const names = JSON.stringify(paths.map((path) => relative(out, path).split(sep).join('/')));
        let written = await readFile(worker, 'utf8');
        for (const [place, text] of [
          ['PLACE_OF_FILES', names],
          ['PLACE_OF_HASH', hash.digest('hex').slice(0, 16)],
        ] as const) {
          const quoted = new RegExp(`(["'\`])${place}\\1`);
          if (!quoted.test(written)) throw new Error(`expected ${place} in ${worker}`);
          written = written.replace(quoted, () => JSON.stringify(text));
        }
        await writeFile(worker, written);
      },
    },
  };
}

export default defineConfig({
  root: ROOT,
  base: './',
  plugins: [bundledModel(), compressedRuntime(), offlineFiles()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { headers: ISOLATED },
  preview: { headers: ISOLATED },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    reportCompressedSize: false,
    // Compressing takes most of the time, as it has to; the bundler would warn of it on slow machines.
    rolldownOptions: {
      input: { index: join(ROOT, 'index.html'), [SERVICE_WORKER]: join(ROOT, `${SERVICE_WORKER}.ts`) },
      output: {
        // A service worker rules over the folder that it lies in, and is known by its address.
        entryFileNames: ({ name }) => (name === SERVICE_WORKER ? '[name].js' : 'assets/[name]-[hash].js'),
      },
      checks: { bundlerTimings: false },
    },
  },
});
