/**
 * Keeps the files of the page, so that it opens without a network. The build writes the list of files into it. The model is
 * kept by the library; what a server computes is asked of the server.
 *
 * @module
 */

/** The scope of a service worker, whose types exclude those of a page. */
interface WorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: LastingEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchingEvent) => void): void;
}
interface LastingEvent {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchingEvent extends LastingEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
const scope = globalThis as unknown as WorkerScope;

/** Paths in the page's folder, with a hash over all of them; both are written in by the build. */
const FILES: readonly string[] = JSON.parse('PLACE_OF_FILES');
const BUILD = 'PLACE_OF_HASH';

const PREFIX = 'clearword-page-';
const CACHE = `${PREFIX}${BUILD}`;

const addressOf = (path: string): string => new URL(path, scope.registration.scope).href;
const INDEX = addressOf('index.html');

scope.addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(CACHE).then(async (cache) => {
      // Past the browser's own cache: a new build must not keep old files.
      await cache.addAll(FILES.map((path) => new Request(addressOf(path), { cache: 'no-cache' })));
      await scope.skipWaiting();
    }),
  );
});

scope.addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
      await Promise.all(old.map((name) => caches.delete(name)));
      await scope.clients.claim();
    }),
  );
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const { href, search } = new URL(request.url);
  if (request.method !== 'GET') return;
  if (href === scope.registration.scope || href === INDEX) event.respondWith(page(request));
  else if (search === '' && isFile(href)) event.respondWith(kept(request));
});

/** The page's own files, and the runtime's, which are kept when they are first used: they are large, and one is enough. */
function isFile(href: string): boolean {
  const { scope: folder } = scope.registration;
  if (!href.startsWith(folder)) return false;
  const path = decodeURIComponent(href.slice(folder.length));
  return FILES.includes(path) || /^assets\/[^/]+\.wasm$/.test(path);
}

/** The newest page, or without a network the kept one. */
async function page(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const known = await caches.match(INDEX);
    if (known !== undefined) return known;
    throw error;
  }
}

/** Names have a hash of what is in them: what is kept is right. */
async function kept(request: Request): Promise<Response> {
  const known = await caches.match(request, { ignoreVary: true });
  if (known !== undefined) return known;
  const response = await fetch(request);
  if (response.ok) {
    const cache = await caches.open(CACHE);
    // A full disk must not keep anyone from restoring.
    await cache.put(request, response.clone()).catch(() => undefined);
  }
  return response;
}
