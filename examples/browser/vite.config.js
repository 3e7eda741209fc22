/** Threads of WebAssembly need shared memory, which browsers give only to pages that are isolated by these headers. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default {
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
  build: { target: 'es2022' },
  // While developing, Vite must leave the package where its worker is; only the CommonJS module in it has to be converted.
  optimizeDeps: { exclude: ['clearword', 'onnxruntime-web'], include: ['clearword > protobufjs'] },
};
