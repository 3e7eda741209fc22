/**
 * Stores by their addresses.
 *
 * @module
 */
import { ClearwordError } from '../errors.ts';
import { FolderStore } from './folder-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3Store } from './s3-store.ts';

/**
 * Opens a folder, or `s3://bucket/prefix`.
 *
 * Errors: INVALID_OPTION, PACKAGE_MISSING, STORE_FAILED.
 */
export async function openStore(address: string): Promise<ObjectStore> {
  if (address.startsWith('s3://')) return S3Store.open(address);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(address)?.[1];
  if (scheme !== undefined) {
    throw new ClearwordError('INVALID_OPTION', `expected a folder or s3://bucket/prefix, received ${address}`);
  }
  return FolderStore.open(address);
}
