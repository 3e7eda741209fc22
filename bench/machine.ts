/** The machine and the versions that a measurement belongs to. */
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { VERSION } from '../src/version.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Programs and their versions. */
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
}

export function machine(): Machine {
  const require = createRequire(import.meta.url);
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    versions: { clearword: VERSION, node: process.versions.node, onnxruntime: version },
    date: new Date().toISOString().slice(0, 10),
  };
}

export function describeMachine({ cpu, cores, memoryGiB, system, versions, date }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}; ${programs.join(', ')}; ${date}`;
}
