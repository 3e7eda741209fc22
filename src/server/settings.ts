/**
 * What an operator can set, declared once: the options of `clearword serve` and their help come from here.
 *
 * @module
 */
import { z } from 'zod';
import { ClearwordError } from '../errors.ts';
import { IMAGE_FORMATS, type ImageFormat } from '../image/image-signature.ts';

/** Seconds before the second try of a job. */
export const BACK_OFF = 1;

const count = (min: number, max: number, value: number, description: string) =>
  z.int().min(min).max(max).default(value).meta({ placeholder: 'n', description });
const amount = (max: number, value: number, description: string) =>
  z.number().positive().max(max).default(value).meta({ placeholder: 'n', description });

/** Options of everything that takes jobs from a queue or puts jobs into it. */
export const queueSettings = {
  queue: z.string().min(1).default('embedded').meta({
    placeholder: 'url',
    description: 'where jobs wait: embedded, inside this process, or redis://host:6379, for any number of machines',
  }),
  queueName: z
    .string()
    .regex(/^[\w-]{1,60}$/)
    .default('clearword')
    .meta({ placeholder: 'name', description: 'name of the queue on Redis' }),
  store: z.string().min(1).default('clearword-data').meta({
    placeholder: 'place',
    description:
      'folder, or s3://bucket/prefix, for pictures and results; all servers and workers of a queue share one',
  }),
  attempts: count(1, 20, 3, 'tries of a job whose worker crashes or whose engine or store fails'),
  lease: count(1, 3600, 30, 'seconds after which the job of a worker that vanished goes back to the queue'),
  keepHours: amount(8760, 24, 'hours for which pictures and results are kept'),
} as const;

/** Options of everything that does jobs. */
export const workSettings = {
  processes: count(0, 64, 1, 'processes that restore, each with its own copy of the model'),
  threads: z.int().min(0).max(256).default(0).meta({
    placeholder: 'n',
    description: 'threads of each of these processes on the CPU; 0: the cores divided among them',
  }),
  grace: count(0, 3600, 25, 'seconds that running jobs have to finish when the program is stopped'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ placeholder: 'level', description: 'lowest level that is logged, as JSON, to standard output' }),
} as const;

export const serverSettingsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({
    placeholder: 'address',
    description: 'address to listen at; 0.0.0.0 for all of this machine',
  }),
  port: z.int().min(0).max(65535).default(8080).meta({
    placeholder: 'n',
    description: 'port to listen at; 0: any that is free',
  }),
  hosts: z.string().default('').meta({
    placeholder: 'list',
    description:
      "names that the server is reached by, besides this machine's own and numbers, separated by commas; *: any",
  }),
  origins: z.string().default('').meta({
    placeholder: 'list',
    description: 'websites whose pages may use the server, such as https://photos.example, separated by commas',
  }),
  ...queueSettings,
  ...workSettings,
  maxMegabytes: amount(1000, 50, 'refuse larger files, in millions of bytes'),
  maxMegapixels: amount(2000, 50, 'refuse larger pictures, in millions of pixels'),
  formats: z.string().default(IMAGE_FORMATS.join(',')).meta({
    placeholder: 'list',
    description: 'formats of pictures to accept, separated by commas',
  }),
  maxSteps: count(1, 1000, 100, 'refuse requests for more steps'),
  maxSamples: count(1, 64, 8, 'refuse requests for more samples'),
  maxTile: count(64, 4096, 1024, 'refuse requests for larger tiles, which need more memory'),
  maxQueued: count(1, 1_000_000, 100, 'refuse requests while so many jobs are waiting'),
  maxUploads: count(
    1,
    1000,
    16,
    'pictures that are received at a time; further ones wait for up to 3 seconds and are then refused',
  ),
  maxUploadsEach: count(1, 1000, 4, 'the same for each client alone'),
  timeout: count(1, 86_400, 300, 'seconds that one job may take'),
  syncMegapixels: z.number().min(0).max(2000).default(4).meta({
    placeholder: 'n',
    description: 'answer requests about larger pictures with a job instead of the result, in millions of pixels',
  }),
  syncSeconds: count(1, 3600, 30, 'answer with a job if the result takes longer'),
  ratePerMinute: count(1, 1_000_000, 60, 'requests with pictures that one client may send in a minute'),
  apiKeys: z.string().min(1).optional().meta({
    placeholder: 'file',
    description: 'file of keys that clients have to send, one a line, as name:key; default: no keys',
  }),
  allowUrls: z.boolean().default(false).meta({ description: 'also fetch pictures from public URLs that clients send' }),
  trustProxy: z.boolean().default(false).meta({
    description:
      'take the address of a client from the last entry of X-Forwarded-For; only behind a proxy that adds it',
  }),
});

export type ServerSettings = z.output<typeof serverSettingsSchema>;

/** The formats of `--formats`. Errors: INVALID_OPTION. */
export function acceptedFormats(formats: string): ImageFormat[] {
  const names = formats.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(IMAGE_FORMATS as readonly string[]).includes(name));
  if (unknown.length === 0) return [...new Set(names)] as ImageFormat[];
  throw new ClearwordError(
    'INVALID_OPTION',
    `expected formats out of ${IMAGE_FORMATS.join(', ')} for --formats, received ${JSON.stringify(unknown[0])}`,
  );
}
