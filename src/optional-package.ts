/**
 * Packages that are not installed with Clearword, because most users do not need them.
 *
 * @module
 */
import { ClearwordError } from './errors.ts';

/**
 * Imports what needs optional packages.
 *
 * @param feature what they are for
 * @param load an `import()`, of a package or of a module that imports several
 * @param packages all of the feature's packages, to be installed together
 * @throws ClearwordError PACKAGE_MISSING with the command that installs them
 */
export async function importOptional<T>(
  feature: string,
  load: () => Promise<T>,
  packages: readonly string[],
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const missing = cause instanceof Error ? /Cannot find package '([^']+)'/.exec(cause.message)?.[1] : undefined;
    // Only a package of this feature: a missing file of Clearword itself is a mistake of another kind.
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing === undefined || !packages.includes(missing)) throw cause;
    throw new ClearwordError('PACKAGE_MISSING', `expected the package ${missing} for ${feature}, found none`, {
      fix: `Run: npm install ${packages.join(' ')}`,
      cause,
    });
  }
}
