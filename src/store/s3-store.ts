/**
 * S3-compatible object storage as a store, through its official client, which is only loaded here.
 *
 * @module
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { ClearwordError } from '../errors.ts';
import { importOptional } from '../optional-package.ts';
import { checkKey, type ObjectStore, type StoredObject, storeFailure } from './object-store.ts';

/** Bucket and prefix of `s3://bucket/prefix`. */
interface Place {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

type Client = typeof import('@aws-sdk/client-s3');

export class S3Store implements ObjectStore {
  readonly address: string;
  readonly #place: Place;
  readonly #aws: Client;
  readonly #client: S3Client;

  private constructor(address: string, place: Place, aws: Client, client: S3Client) {
    this.address = address;
    this.#place = place;
    this.#aws = aws;
    this.#client = client;
  }

  /**
   * Opens `s3://bucket/prefix`. Credentials, region and endpoint are those of the official client: AWS_ACCESS_KEY_ID,
   * AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, its configuration files, or the machine's own role.
   *
   * Errors: INVALID_OPTION, PACKAGE_MISSING, STORE_FAILED.
   */
  static async open(address: string): Promise<S3Store> {
    const place = placeOf(address);
    const aws = await importOptional('object storage', () => import('@aws-sdk/client-s3'), ['@aws-sdk/client-s3']);
    // Most other servers know buckets only as the first part of the path; with an endpoint of one's own that is the default.
    const custom = process.env.AWS_ENDPOINT_URL ?? process.env.AWS_ENDPOINT_URL_S3;
    const client = new aws.S3Client({ forcePathStyle: custom !== undefined });
    const store = new S3Store(address, place, aws, client);
    await store.#attempt('reach the bucket', () => client.send(new aws.HeadBucketCommand({ Bucket: place.bucket })));
    return store;
  }

  async put(key: string, data: Uint8Array): Promise<void> {
    const command = new this.#aws.PutObjectCommand({ ...this.#object(key), Body: data });
    await this.#attempt(`write ${key}`, () => this.#client.send(command));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const command = new this.#aws.GetObjectCommand(this.#object(key));
    return this.#attemptExisting(`read ${key}`, async () => {
      const { Body } = await this.#client.send(command);
      return Body?.transformToByteArray();
    });
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const command = new this.#aws.HeadObjectCommand(this.#object(key));
    return this.#attemptExisting(`read ${key}`, async () => {
      const { ContentLength = 0, LastModified = new Date(0) } = await this.#client.send(command);
      return { key, bytes: ContentLength, modified: LastModified };
    });
  }

  async remove(key: string): Promise<void> {
    const command = new this.#aws.DeleteObjectCommand(this.#object(key));
    await this.#attempt(`remove ${key}`, () => this.#client.send(command));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const { bucket, prefix: own } = this.#place;
    let token: string | undefined;
    do {
      const page = await this.#attempt(`list ${prefix}`, () =>
        this.#client.send(
          new this.#aws.ListObjectsV2Command({ Bucket: bucket, Prefix: own + prefix, ContinuationToken: token }),
        ),
      );
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        // Consoles make empty objects that end with a slash to stand for folders.
        if (!Key.endsWith('/')) yield { key: Key.slice(own.length), bytes: Size, modified: LastModified };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #object(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      throw storeFailure(this.address, what, cause);
    }
  }

  /** Undefined where there is no such object. */
  async #attemptExisting<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof this.#aws.NoSuchKey || cause instanceof this.#aws.NotFound) return undefined;
      throw storeFailure(this.address, what, cause);
    }
  }
}

function placeOf(address: string): Place {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? [];
  if (bucket === undefined) {
    throw new ClearwordError('INVALID_OPTION', `expected s3://bucket or s3://bucket/prefix, received ${address}`);
  }
  const prefix = path.replace(/\/+$/, '');
  if (prefix !== '') checkKey(prefix);
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}
