/**
 * @module
 */
import { readFileSync } from 'node:fs';

/** Version of this package, read from its package.json: the same relative path from src/ and from dist/. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
