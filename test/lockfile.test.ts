import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** The lock's entry for `name` as `from` sees it: in its own node_modules, or in those of the folders around it. */
function locked(from: string, name: string): LockedPackage | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`];
    if (entry !== undefined || folder === '') return entry;
  }
}

/**
 * `npm ci` refuses a lock that leaves out a package for another platform, and `npm install` leaves one out without a word
 * when a registry does not have it. The cure is a version of the package that is complete, under `overrides` or exact.
 */
it('package-lock.json has every dependency, those of other platforms too', () => {
  const missing = Object.entries(packages).flatMap(([path, { dependencies = {}, optionalDependencies = {} }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => locked(path, name) === undefined)
      .map((name) => `${path} needs ${name}`),
  );
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missing).toEqual([]);
});

it('package-lock.json names no registry, so that each machine uses its own', () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

/**
 * onnxruntime-node's install script downloads hundreds of megabytes of CUDA libraries on Linux. `npm ci` runs the scripts of
 * packages that the lock marks with `hasInstallScript` only, so this one is not marked; the package's own setting in .npmrc
 * would make npm 11 warn at each command. After an update of onnxruntime-node, take npm's new mark out by hand again.
 */
it('package-lock.json keeps the install script of onnxruntime-node from running', () => {
  expect(packages['node_modules/onnxruntime-node']).toBeDefined();
  expect(packages['node_modules/onnxruntime-node']?.hasInstallScript).toBeUndefined();
});

/** npm 11 runs no install script that is not allowed, and lists at each `npm ci` those nobody decided on. */
it('package.json denies every install script of a dependency, none of which is needed', () => {
  const marked = Object.entries(packages).filter(([path, entry]) => path !== '' && entry.hasInstallScript);
  const names = marked.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  const denied = new Set([...names, 'onnxruntime-node']);
  expect(manifest.allowScripts).toEqual(Object.fromEntries([...denied].map((name) => [name, false])));
});
