/**
 * Published weights of the networks that measure pictures.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ClearwordError } from '../../errors.ts';
import { type DownloadProgress, fetchFile } from '../../hub/download.ts';
import type { LpipsNetwork } from '../../metrics/lpips.ts';

/** A published file. */
export interface PublishedFile {
  readonly url: string;
  /** First digits of its SHA-256: those in its publisher's file name, which torch.hub checks too. */
  readonly sha256: string;
}

/** torchvision's classifiers, trained on ImageNet (BSD-3-Clause). */
export const LPIPS_BACKBONES: Readonly<Record<LpipsNetwork, PublishedFile>> = {
  alex: { url: 'https://download.pytorch.org/models/alexnet-owt-7be5be79.pth', sha256: '7be5be79' },
  squeeze: { url: 'https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth', sha256: 'b8a52dc0' },
  vgg: { url: 'https://download.pytorch.org/models/vgg16-397923af.pth', sha256: '397923af' },
};

/** The Inception network with which FID is defined, in pytorch-fid's port (Apache-2.0). */
export const FID_INCEPTION: PublishedFile = {
  url: 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth',
  sha256: '6726825d',
};

export interface WeightsOptions {
  /** The user's own file, hub name or address, which is taken as it is. */
  readonly given?: string | undefined;
  /** How the user gives it, for messages. */
  readonly option: string;
  /** Download the published file if it is not in the cache. */
  readonly download: boolean;
  /** Default: the user's cache folder. */
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/**
 * The path of a network's weights: the user's, or the published ones out of the cache, downloaded if that is allowed.
 *
 * @throws ClearwordError MODEL_NOT_FOUND, MODEL_INVALID (not the published file), DOWNLOAD_FAILED, CANCELLED
 */
export async function weightsPath(file: PublishedFile, options: WeightsOptions): Promise<string> {
  const { given, option, download, cache, signal, onProgress } = options;
  const fetched = { cache, signal, onProgress };
  if (given !== undefined) return fetchFile(given, fetched);
  const name = new URL(file.url).pathname.split('/').at(-1) ?? '';
  const path = await fetchFile(file.url, download ? fetched : { ...fetched, offline: true }).catch((error: unknown) => {
    if (download || !(error instanceof ClearwordError) || error.code !== 'DOWNLOAD_FAILED') throw error;
    throw new ClearwordError('MODEL_NOT_FOUND', `${name} is not here: give it with ${option}, or allow --download`);
  });
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const digest = hash.digest('hex');
  if (!digest.startsWith(file.sha256)) {
    const message = `${path}: expected a file whose SHA-256 begins with ${file.sha256}, received ${digest}`;
    throw new ClearwordError('MODEL_INVALID', message, {
      fix: `Remove the file and try again; or get ${name} another way and give it with ${option}.`,
    });
  }
  return path;
}
