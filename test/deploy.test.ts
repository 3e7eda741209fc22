/**
 * The examples of deployment: their YAML is well formed, their commands and options exist, and what they say about each
 * other is true. Whether an image builds and a cluster takes them can only be tried where there is one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { commands } from '../src/cli/registry.ts';
import { allOptions, flagOf, parseOptions } from '../src/cli/schema-options.ts';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const textOf = (...path: string[]) => readFileSync(join(REPOSITORY, ...path), 'utf8');

interface Container {
  readonly args?: readonly string[];
  readonly image: string;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly containers: readonly Container[]; terminationGracePeriodSeconds: number };
    };
    readonly scaleTargetRef?: { readonly name: string };
    readonly triggers?: readonly { readonly metadata: Readonly<Record<string, string>> }[];
  };
}

interface ComposeService {
  readonly command?: readonly string[];
  readonly image?: string;
}

const resources: Resource[] = readdirSync(join(REPOSITORY, 'deploy/kubernetes')).flatMap((name) =>
  parseAllDocuments(textOf('deploy/kubernetes', name)).map((document) => {
    expect(document.errors, name).toEqual([]);
    return document.toJS() as Resource;
  }),
);
const compose = parse(textOf('deploy/compose.yaml'), { merge: true }) as {
  services: Record<string, ComposeService>;
};

/** The arguments as the program itself would take them. */
async function checkCommand([name, ...args]: readonly string[]): Promise<Record<string, unknown>> {
  const entry = commands.find((command) => command.name === name);
  if (!entry) throw new Error(`expected a command, received ${name}`);
  const schema = allOptions(await entry.load());
  const names = new Map(Object.keys(schema.shape).map((option) => [flagOf(option), option]));
  const given = args.map((argument) => {
    const [flag = '', value = true] = argument.split(/=(.*)/s);
    return [names.get(flag) ?? flag, value] as const;
  });
  return parseOptions(schema, Object.fromEntries(given));
}

const clearword = resources
  .flatMap(({ spec }) => spec?.template?.spec.containers ?? [])
  .filter(({ image }) => image === 'clearword');

describe('Kubernetes', () => {
  it('has options that exist, with values in their ranges', async () => {
    expect(clearword.map(({ args = [] }) => args[0]).sort()).toEqual(['serve', 'worker']);
    for (const { args = [] } of clearword) await checkCommand(args);
  });

  it('gives programs more time to end than they take', async () => {
    for (const { spec } of resources) {
      const pod = spec?.template?.spec;
      const args = pod?.containers.find(({ image }) => image === 'clearword')?.args;
      if (!pod || !args) continue;
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number((await checkCommand(args)).grace) + 10);
    }
  });

  it('scales what is there, by the list of the queue that the workers take from', async () => {
    const names = resources.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);
    const targets = resources.flatMap(({ spec }) => spec?.scaleTargetRef?.name ?? []);
    expect(targets.sort()).toEqual(names.sort());
    const worker = clearword.find(({ args = [] }) => args[0] === 'worker');
    const { queueName } = await checkCommand(worker?.args ?? []);
    const [trigger] = resources.flatMap(({ spec }) => spec?.triggers ?? []);
    // src/queue/queue.test.ts looks for this list in a real Redis.
    expect(trigger?.metadata.listName).toBe(`bull:${queueName}:wait`);
  });
});

describe('compose.yaml', () => {
  it('has options that exist, with values in their ranges', async () => {
    const own = Object.values(compose.services).filter(({ image }) => image === 'clearword');
    expect(own.map(({ command = [] }) => command[0]).sort()).toEqual(['serve', 'worker']);
    for (const { command = [] } of own) await checkCommand(command);
  });
});

describe('the Dockerfile', () => {
  const text = textOf('deploy/Dockerfile');

  it('copies what is there, or what is built', () => {
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '));
    expect(sources.length).toBeGreaterThan(4);
    for (const source of sources) expect([source, existsSync(join(REPOSITORY, source))]).toEqual([source, true]);
    const built = [...text.matchAll(/^COPY --from=build \/build\/(\S+)/gm)].map(([, name]) => name);
    expect(built).toEqual(['dist', 'web/dist']);
  });

  it('starts with arguments that exist', async () => {
    const args = JSON.parse(/^CMD (\[.+\])$/m.exec(text)?.[1] ?? '[]') as string[];
    const joined = args.join(' ').replaceAll(/(--\S+) (?!--)/g, '$1=');
    expect(await checkCommand(joined.split(' '))).toMatchObject({ host: '0.0.0.0', store: '/data' });
  });

  it('installs every optional package of the service', () => {
    const { peerDependencies } = JSON.parse(textOf('package.json')) as { peerDependencies: Record<string, string> };
    const pattern = /SERVICE = \/(.+)\/;/.exec(textOf('deploy/service-packages.mjs'))?.[1] ?? 'none';
    const installed = Object.keys(peerDependencies).filter((name) => new RegExp(pattern).test(name));
    const rooms = textOf('test/architecture.test.ts');
    for (const name of installed) expect(rooms).toContain(`'${name}'`);
    for (const name of [
      'fastify',
      '@fastify/swagger-ui',
      'bullmq',
      'ioredis',
      '@aws-sdk/client-s3',
      'pino',
      'prom-client',
    ]) {
      expect(installed).toContain(name);
    }
  });
});
